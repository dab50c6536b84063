import { modelsOn } from '../../../engine/cluster/on-cluster.ts';
import { openPointSet } from '../../../engine/random/point-set.ts';
import type { ModelMethod, Shards } from '../../../engine/sharded.ts';
import type { Source } from '../../../engine/types.ts';
import { answer } from './monte-carlo-answer.ts';
import { checkPlan, type Plan } from './monte-carlo-plan.ts';
import { monteCarloShards } from './monte-carlo-shards.ts';
import type { MonteCarloOptions, MonteCarloResult } from './monte-carlo-types.ts';
import { type PointRun, type PointRunState, pointRun } from './point-run.ts';

/*
 * Plain Monte Carlo: expectations, variances, quantiles and probabilities of a model's outputs.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | n | points, in R replicates of n / R | |
 * | x | input values | [n, d] |
 * | y = f(x) | outputs | [n, k] |
 *
 * The estimate is the mean over replicates of each replicate's plain estimate; its interval is Student's with
 * R - 1 degrees of freedom (Owen 1997 for randomised quasi-Monte Carlo), or, for one replicate of independent
 * points, the iid interval of each statistic; one set of antithetic pairs has that of its pairs. One replicate of any
 * other design has no honest interval: n/a.
 */
export const MONTE_CARLO_SOURCES: readonly Source[] = [
  {
    authors: 'Owen, A. B.',
    year: 1997,
    title: 'Scrambled net variance for integrals of smooth functions',
    reference: 'Annals of Statistics 25(4), 1541-1562',
  },
];

const WHERE = 'monteCarlo';

/** What `run` and `iterate` take; `run` also with a cluster. */
export interface MonteCarloMethod extends ModelMethod<PointRunState, MonteCarloResult> {
  readonly shards: Shards<MonteCarloResult>;
}

/**
 * Estimate means, variances, quantiles and probabilities of a model with uncertain inputs.
 * @throws OptionError for bad options; ModelError when the model fails at a point and `missing` is 'error'.
 */
export function monteCarlo(options: MonteCarloOptions): MonteCarloMethod {
  const plan = checkPlan(WHERE, options);
  return {
    name: 'monte-carlo',
    sources: MONTE_CARLO_SOURCES,
    onCluster: modelsOn(WHERE, (replace) => monteCarlo({ ...options, model: replace(options.model) })),
    ...replicateRun(WHERE, options, plan, true),
    result: async (state, ending) => answer(state, ending, plan),
    shards: monteCarloShards(options, plan, monteCarlo),
  };
}

/** A run of the planned replicates, each from a point set of its own. */
export function replicateRun(
  where: string,
  { model, outputs }: Pick<MonteCarloOptions, 'model' | 'outputs'>,
  plan: Plan,
  mayDrop: boolean,
): PointRun {
  const { design: name, perReplicate: points, space } = plan;
  return pointRun({
    ...plan,
    where,
    model,
    outputs,
    mayDrop,
    segmentOf(point) {
      const index = Math.floor(point / points);
      return { index, first: index * points, points };
    },
    open: ({ index }, _, { rng }) =>
      openPointSet({ name, dimension: space.dimension, points, rng, replicate: index }),
  });
}
