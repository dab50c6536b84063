import type { ChainStates, MarkovKernel } from '../../../engine/kernel/kernel.ts';
import { logMeanExp } from '../../../engine/particles/log-weight.ts';
import type { FeynmanKac, SmcRun } from '../../../engine/particles/smc/feynman-kac.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import { channel } from '../../../engine/random/rng.ts';
import { uniform } from '../../../engine/wasm/twins/philox.ts';
import type { InnerFilters } from './inner-filters.ts';
import { movedChains, pseudoMarginal } from './pseudo-marginal.ts';
import type { SmcSquaredPlan } from './smc-squared-plan.ts';

/** Fields of an outer particle: theta, its densities, and the particle that it was before the last resampling. */
export type OuterFields = {
  readonly theta: { readonly components: number };
  readonly logPrior: { readonly components: 1 };
  /** log Z-hat of the data so far. */
  readonly logLikelihood: { readonly components: 1 };
  readonly self: { readonly components: 1 };
};

/** What the outer model did in the step under way. */
export interface OuterReport {
  /** Share of moves accepted; NaN when there were none. */
  acceptance: number;
}

/**
 * SMC^2 as a Feynman-Kac model over theta, whose potential G_t is the estimate of p(y_t | y_0..y_{t-1}, theta) by the particle's own
 * filter. See `smc-squared.ts`.
 */
export function smcSquaredModel(
  plan: SmcSquaredPlan,
  inner: InnerFilters,
  kernel: MarkovKernel,
  report: OuterReport,
): FeynmanKac<OuterFields> {
  const { prior, particles: n } = plan;
  const p = prior.names.length;
  const increment = new Float64Array(n);
  /** log weights of the exchange of filters in the step under way. */
  const exchange = new Float64Array(n);
  return {
    fields: {
      theta: { components: p },
      logPrior: { components: 1 },
      logLikelihood: { components: 1 },
      self: { components: 1 },
    },
    steps: plan.models.steps,
    block: Infinity,
    async init(run) {
      const theta = run.field('theta');
      uniform(theta, p, ...run.rng.key, 0, 0, channel(PURPOSE.init), 0, n);
      prior.law.transport(theta, theta);
      await prior.rows(theta, n, run.field('logPrior'));
      run.field('logLikelihood').fill(0);
      number(run.field('self'));
      inner.open(theta);
      report.acceptance = Number.NaN;
    },
    async mutate(step, run) {
      for (const name of ['theta', 'logPrior', 'logLikelihood', 'self'] as const)
        run.field(name).set(run.parent(name));
      exchange.fill(0);
      report.acceptance = Number.NaN;
      if (!run.resampled) return;
      await inner.follow(run.parent('self'), run.field('theta'));
      number(run.field('self'));
      report.acceptance = await moveAll(plan, inner, kernel, run, step);
      const room = 2 * inner.particles <= plan.mostInnerParticles;
      if (room && report.acceptance < plan.leastAcceptance) await exchangeFilters(inner, run, exchange);
    },
    async aim(_, run) {
      await inner.advance(increment);
      const total = run.field('logLikelihood');
      for (let r = 0; r < n; r++) total[r] = total[r]! + increment[r]!;
    },
    logPotential(step, _, out) {
      for (let r = 0; r < n; r++) out[r] = step === 0 ? increment[r]! : exchange[r]! + increment[r]!;
    },
    calibrate(_, population) {
      kernel.tune({ x: population.field('theta'), logWeight: population.logWeight });
    },
    evaluations: () => inner.evaluations,
    snapshot: () => kernel.snapshot(),
    restore: (saved) => kernel.restore(saved as Readonly<Record<string, unknown>>),
  };
}

function number(self: Float64Array): void {
  for (let r = 0; r < self.length; r++) self[r] = r;
}

/** PMMH moves of all outer particles on prior(theta) Z-hat_{0:t-1}; the share that was accepted. */
async function moveAll(
  plan: SmcSquaredPlan,
  inner: InnerFilters,
  kernel: MarkovKernel,
  run: SmcRun<OuterFields>,
  step: number,
): Promise<number> {
  const { where, prior, particles: count, moves } = plan;
  const p = prior.names.length;
  const states: ChainStates = {
    count,
    x: run.field('theta'),
    logPrior: run.field('logPrior'),
    logLikelihood: run.field('logLikelihood'),
  };
  const estimate = (rows: readonly number[], x: Float64Array, out: Float64Array): Promise<void> =>
    inner.try(rows, x, out);
  const target = pseudoMarginal({ where, prior, chains: count, estimate });
  let accepted = 0;
  for (let move = 0; move < moves; move++) {
    const before = { x: states.x.slice(), logLikelihood: states.logLikelihood.slice() };
    const outcome = await kernel.move(states, target, { rng: run.rng, step, move });
    accepted += outcome.accepted;
    await inner.accept(movedChains(before, states, p));
  }
  return accepted / (moves * count);
}

/**
 * Exchange: every filter by a fresh one with twice the particles, weighted by the ratio of their estimates. The weights are
 * divided by their mean, which is 1 but for noise, so that the evidence does not take that noise in.
 * Source: Chopin, Jacob & Papaspiliopoulos (2013), section 3.6.1.
 */
async function exchangeFilters(
  inner: InnerFilters,
  run: SmcRun<OuterFields>,
  exchange: Float64Array,
): Promise<void> {
  const total = run.field('logLikelihood');
  const before = total.slice();
  await inner.double(run.field('theta'), total);
  for (let r = 0; r < total.length; r++) exchange[r] = total[r]! - before[r]!;
  const mean = logMeanExp(exchange);
  if (mean > -Infinity) for (let r = 0; r < total.length; r++) exchange[r] = exchange[r]! - mean;
}
