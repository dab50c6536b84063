import { modelsOn } from '../../../engine/cluster/on-cluster.ts';
import { orRelease } from '../../../engine/or-release.ts';
import type { Context, Step } from '../../../engine/sampler.ts';
import type { ModelMethod } from '../../../engine/sharded.ts';
import type { Source } from '../../../engine/types.ts';
import { answer } from './answer.ts';
import { finalBlock } from './final.ts';
import { checkPlan, type ExpectationsPlan } from './plan.ts';
import { openProblem } from './problem.ts';
import { infoOf } from './progress.ts';
import { readSnapshot, stateOf, writeSnapshot } from './snapshot.ts';
import { firstStage, nextStage } from './stage.ts';
import type { ExpectationsState } from './state.ts';
import type { ExpectationsOptions, ExpectationsResult } from './types.ts';

/*
 * Many expectations from one sample: adaptive importance sampling with control variates (ME-aISCV).
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | phi_j, f_j, I_j | of, law, estimate | [J] |
 * | g_1..g_J, g_alpha = sum_k alpha_k g_k | proposal | |
 * | T_ij = phi_j f_j / g_alpha, R_ik = g_k / g_alpha | terms, ratios | [n, J], [n, J + 1] |
 * | B | control | [J, J + 1] |
 *
 *   I^_j = (1/N) sum_i (T_ij - sum_k B_jk R_ik) + sum_k B_jk
 *
 * At most half of the points adapt g, alpha and B, stage by stage; the others are drawn afterwards, so that the
 * estimate has the right mean whatever was adapted.
 *
 * Departures from the source, all measured (`preset: 'published'` has none of them but one convention for variance and
 * covariance): the mixture of the laws as a component; a floor for shares; relative ridges; Sobol' points or whole
 * numbers of points by component in the final stage; the loss before a stage measured at both stages' points;
 * thresholds of rare events that climb; inputs as standard normals.
 */
export const EXPECTATIONS_SOURCES: readonly Source[] = [
  {
    authors: 'Demange-Chryst, J., Bachoc, F. & Morio, J.',
    year: 2022,
    title:
      'Efficient estimation of multiple expectations with the same sample by adaptive importance sampling and control variates',
    reference: 'arXiv 2212.00568',
  },
  {
    authors: 'Owen, A. & Zhou, Y.',
    year: 2000,
    title: 'Safe and effective importance sampling',
    reference: 'Journal of the American Statistical Association 95(449), 135-143',
  },
];

const WHERE = 'expectations';

/**
 * Estimate J expectations, of any functions under any laws of the same inputs, from one adaptive sample.
 * @throws OptionError for bad options; ModelError when the model fails at a point and `missing` is 'error'.
 */
export function expectations(
  options: ExpectationsOptions,
): ModelMethod<ExpectationsState, ExpectationsResult> {
  const plan = checkPlan(WHERE, options);
  return {
    name: 'expectations',
    sources: EXPECTATIONS_SOURCES,
    onCluster: modelsOn(WHERE, (replace) => expectations({ ...options, model: replace(options.model) })),
    async init(ctx) {
      const integrands = await openProblem(plan, ctx);
      return orRelease(
        async () => report(await firstStage(integrands, plan, ctx), plan),
        () => integrands.dispose(),
      );
    },
    step: (state, ctx) => step(state, ctx, plan),
    result: async (state, ending) => answer(state, ending, plan),
    snapshot: async (state) => writeSnapshot(state, plan),
    async restore(bytes, ctx) {
      const saved = readSnapshot(bytes, plan, ctx.rng.key);
      return report(stateOf(saved, await openProblem(plan, ctx, saved.problem)), plan);
    },
    dispose: (state) => state.integrands.dispose(),
  };
}

async function step(
  state: ExpectationsState,
  ctx: Context,
  plan: ExpectationsPlan,
): Promise<Step<ExpectationsState>> {
  if (state.search !== undefined) await nextStage(state, state.search, plan, ctx);
  else await finalBlock(state, plan, ctx);
  return report(state, plan);
}

function report(state: ExpectationsState, plan: ExpectationsPlan): Step<ExpectationsState> {
  return {
    state,
    done: state.points.final && state.points.n === state.points.planned,
    info: infoOf(state, plan),
  };
}
