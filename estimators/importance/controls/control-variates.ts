import { modelsOn } from '../../../engine/cluster/on-cluster.ts';
import type { ModelMethod } from '../../../engine/sharded.ts';
import type { Source } from '../../../engine/types.ts';
import { replicateRun } from '../plain/monte-carlo.ts';
import type { PointRunState } from '../plain/point-run.ts';
import { controlAnswer } from './control-answer.ts';
import { checkControlPlan, checkNames } from './control-plan.ts';
import type { ControlVariatesOptions, ControlVariatesResult } from './control-variates-types.ts';

/*
 * Control variates: means of outputs, and ratios of means, with the help of quantities whose means are known.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | y | outputs | [n, k] |
 * | c, mu | controls and their known means | [n, p], [p] |
 * | beta | coefficients, by regression of y on c over points | [k, p] |
 *
 * I^ = mean(y) - beta' (mean(c) - mu). Cross-fitting takes the beta of each replicate of a net, or of each tenth of
 * independent points, from the others: unbiased. Intervals are Student's, from replicates of nets, from the
 * residuals of independent points. On a net the beta of points need not be the best for its means, which have other errors
 * (Hickernell, Lemieux & Owen 2005); what was gained is measured.
 */
export const CONTROL_VARIATES_SOURCES: readonly Source[] = [
  {
    authors: 'Lavenberg, S. S. and Welch, P. D.',
    year: 1981,
    title:
      'A perspective on the use of control variables to increase the efficiency of Monte Carlo simulations',
    reference: 'Management Science 27(3), 322-335',
  },
  {
    authors: 'Hickernell, F. J., Lemieux, C. and Owen, A. B.',
    year: 2005,
    title: 'Control variates for quasi-Monte Carlo',
    reference: 'Statistical Science 20(1), 1-31',
  },
];

const WHERE = 'controlVariates';

/**
 * Estimate means of a model's outputs, and ratios of them, with control variates.
 * @throws OptionError for bad options; ModelError when the model fails at a point and `missing` is 'error'; ValueError
 * when a control or a part of a ratio is not finite at a point.
 */
export function controlVariates(
  options: ControlVariatesOptions,
): ModelMethod<PointRunState, ControlVariatesResult> {
  const plan = checkControlPlan(WHERE, options);
  const points = replicateRun(WHERE, options, plan.points, false);
  return {
    ...points,
    name: 'control-variates',
    sources: CONTROL_VARIATES_SOURCES,
    onCluster: modelsOn(WHERE, (replace) => controlVariates({ ...options, model: replace(options.model) })),
    async init(ctx) {
      const first = await points.init(ctx);
      try {
        checkNames(WHERE, plan, first.state.evaluator.outputs);
      } catch (error) {
        points.dispose(first.state);
        throw error;
      }
      return first;
    },
    result: async (state, ending) => controlAnswer(WHERE, state, ending, plan),
  };
}
