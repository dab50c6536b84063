import { modelsOn } from '../../../engine/cluster/on-cluster.ts';
import type { ModelMethod } from '../../../engine/sharded.ts';
import type { Source } from '../../../engine/types.ts';
import { type PointRunState, pointRun } from '../plain/point-run.ts';
import { answer } from './law-impact-answer.ts';
import { checkPlan, WHERE } from './law-impact-plan.ts';
import { openImpactPoints } from './law-impact-points.ts';
import type { LawImpactOptions, LawImpactResult } from './law-impact-types.ts';

/*
 * How an answer depends on the laws that were assumed for the inputs: perturbed-law indices, all from one sample.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | delta | perturbations: a new mean or variance of one input | [L] |
 * | f_delta | the law of the inputs with that marginal, see `perturbed` | |
 * | h | balance density of f and all f_delta | |
 * | P, P_delta (q, q_delta) | base, values | [1], [L] |
 * | index of delta | estimate | [L] |
 *
 * All quantities are self-normalised averages over the same points, so an index has the error of a ratio of dependent
 * estimates (delta method); replicates or independent points give its interval. Departures from the source: points come from the
 * balance density of all laws and not from f alone (`sample: 'base'` is the source's reverse importance sampling), and dependent
 * inputs keep the law of the others given the one that is perturbed.
 */
export const LAW_IMPACT_SOURCES: readonly Source[] = [
  {
    authors: 'Lemaître, P., Sergienko, E., Arnaud, A., Bousquet, N., Gamboa, F. and Iooss, B.',
    year: 2015,
    title: 'Density modification-based reliability sensitivity analysis',
    reference: 'Journal of Statistical Computation and Simulation 85(6), 1200-1223',
  },
  {
    authors: 'Owen, A. B. and Zhou, Y.',
    year: 2000,
    title: 'Safe and effective importance sampling',
    reference: 'Journal of the American Statistical Association 95(449), 135-143',
  },
];

/**
 * Impact of the laws of the inputs on a mean, a probability or a quantile, one input at a time.
 * @throws OptionError for bad options or moments that a law cannot be given; ModelError when the model fails at a point and
 * `missing` is 'error'.
 */
export function lawImpact(options: LawImpactOptions): ModelMethod<PointRunState, LawImpactResult> {
  const plan = checkPlan(options);
  const { space, perReplicate } = plan;
  return {
    name: 'law-impact',
    sources: LAW_IMPACT_SOURCES,
    onCluster: modelsOn(WHERE, (replace) => lawImpact({ ...options, model: replace(options.model) })),
    ...pointRun({
      ...plan,
      where: WHERE,
      model: options.model,
      outputs: options.outputs,
      mayDrop: true,
      space: { ...space, transport: () => {} },
      segmentOf(point) {
        const index = Math.floor(point / perReplicate);
        return { index, first: index * perReplicate, points: perReplicate };
      },
      open: ({ index }, _, ctx) => openImpactPoints(plan, index, ctx),
    }),
    result: async (state, ending) => answer(state, ending, plan),
  };
}
