import type { Ending, Sampler } from '../../../engine/sampler.ts';
import { renewalWarnings } from './chain-warnings.ts';
import { conditionalPlan, type GibbsPlan } from './gibbs-plan.ts';
import { type GibbsState, gibbsInfo, joined } from './gibbs-state.ts';
import type { ConditionalSmcOptions, ConditionalSmcResult } from './gibbs-types.ts';
import { gibbsSampler } from './particle-gibbs.ts';
import { smoothedPath } from './path-record.ts';

/**
 * Chains of paths x_0..x_{T-1} with the law p(x | y) of a state-space model, by iterated conditional SMC: smoothing without the
 * bias of a finite number of particles. `path-updater.ts` has the update and its variants. The means E[x_t] are named x[t], or
 * x[t].1 to x[t].d of a state with several numbers.
 *
 * @throws OptionError for bad options; DegeneracyError when no particle survives at the start.
 * Source: Andrieu, Doucet & Holenstein (2010), section 4.3.
 */
export function conditionalSmc(options: ConditionalSmcOptions): Sampler<GibbsState, ConditionalSmcResult> {
  const plan = conditionalPlan('conditionalSmc', options);
  return { name: 'conditional-smc', ...gibbsSampler(plan, (state, ending) => answer(plan, state, ending)) };
}

function answer(plan: GibbsPlan, state: GibbsState, ending: Ending): ConditionalSmcResult {
  const { moments, paths } = state;
  const smoothed = smoothedPath(moments, plan.chains);
  const { steps } = plan.models;
  const d = smoothed.mean.length / steps;
  const names = Array.from(smoothed.mean, (_, j) =>
    d === 1 ? `x[${j}]` : `x[${Math.floor(j / d)}].${(j % d) + 1}`,
  );
  const warnings = renewalWarnings(smoothed.renewal, moments.count * plan.chains);
  return {
    estimate: { names, value: smoothed.mean.slice(), standardError: smoothed.standardError.slice() },
    sample: {
      points: joined(paths),
      shape: [plan.chains, steps * d],
      logWeight: new Float64Array(plan.chains),
    },
    diagnostics: gibbsInfo(plan, state, warnings),
    ...ending,
    smoothed,
  };
}
