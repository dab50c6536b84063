import { modelsOn } from '../../../engine/cluster/on-cluster.ts';
import type { ModelMethod } from '../../../engine/sharded.ts';
import type { Source } from '../../../engine/types.ts';
import { type PointRunState, pointRun } from '../plain/point-run.ts';
import { stratifiedPoints } from './strata.ts';
import { stageOf, stratifiedAnswer } from './stratified-answer.ts';
import { checkStratifiedPlan } from './stratified-plan.ts';
import type { StratifiedOptions, StratifiedResult } from './stratified-types.ts';

/*
 * Stratified sampling: means and probabilities from points drawn stratum by stratum.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | p_k | probability of a stratum | [K] |
 * | n_k | its points | [K] |
 * | sigma_k | standard deviation inside | [K] |
 *
 * I^ = sum_k p_k mean_k, Var = sum_k p_k^2 sigma_k^2 / n_k, unbiased whatever the n_k. Proportional, n_k = n p_k, is never
 * worse than independent points but for rounding; Neyman, n_k ~ p_k sigma_k, is the best.
 *
 * Departures: the standard deviations of 'neyman' come from a pilot stage that is then left aside, since pooling it
 * would bias the means; one point in ten stays proportional, so that a stratum the pilot saw as constant is not starved;
 * with several outputs or events sigma_k^2 is the sum of theirs, each over its variance inside all strata.
 */
export const STRATIFIED_SOURCES: readonly Source[] = [
  {
    authors: 'Neyman, J.',
    year: 1934,
    title: 'On the two different aspects of the representative method',
    reference: 'Journal of the Royal Statistical Society 97(4), 558-625',
  },
  {
    authors: 'Satterthwaite, F. E.',
    year: 1946,
    title: 'An approximate distribution of estimates of variance components',
    reference: 'Biometrics Bulletin 2(6), 110-114',
  },
];

const WHERE = 'stratified';
/** Steps a run is cut into, so that there is something to see on the way. */
const STEPS = 8;
const FEWEST_ROWS = 64;
const MOST_ROWS = 16_384;

/**
 * Estimate means and probabilities with stratified inputs.
 * @throws OptionError for bad options; ModelError when the model fails at a point and `missing` is 'error'.
 */
export function stratified(options: StratifiedOptions): ModelMethod<PointRunState, StratifiedResult> {
  const plan = checkStratifiedPlan(WHERE, options);
  const { points, pilot, space } = plan;
  const rows = Math.min(MOST_ROWS, Math.max(FEWEST_ROWS, Math.ceil(points / STEPS)));
  const run = pointRun({
    ...plan,
    where: WHERE,
    model: options.model,
    outputs: options.outputs,
    mayDrop: false,
    chunk: rows,
    segmentOf: (point) =>
      point < pilot
        ? { index: 0, first: 0, points: pilot }
        : { index: 1, first: pilot, points: points - pilot },
    async open({ index }, state, { rng }) {
      const { stratum } = stageOf(state, plan, index === 0 ? 'pilot' : 'main');
      return stratifiedPoints(plan.strata, stratum, { dimension: space.dimension, rng, stage: index });
    },
  });
  return {
    ...run,
    name: 'stratified',
    sources: STRATIFIED_SOURCES,
    onCluster: modelsOn(WHERE, (replace) => stratified({ ...options, model: replace(options.model) })),
    result: async (state, ending) => stratifiedAnswer(state, ending, plan),
  };
}
