import { checkCount, checkFlag, checkOneOf, show } from '../../../engine/check.ts';
import { OptionError, ShapeError } from '../../../engine/errors.ts';
import type { Sample } from '../../../engine/sampler.ts';
import type { WeightedPoints } from './weighted-means.ts';

/** How the points of a result are randomised: in replicates of one size, one after another, independent of each other. */
export interface PointDesign {
  /** Points of a replicate; the last may be short when a run was interrupted. */
  readonly perReplicate: number;
  /** Whether the points of a replicate are independent too. */
  readonly independent: boolean;
}

/** A result with its points, their weights for the law of the inputs, and the outputs there. */
export interface WeightedResult {
  readonly sample: Sample;
  /** Outputs [n, k]; NaN where a failed point was left out. */
  readonly outputs: { readonly names: readonly string[]; readonly values: Float64Array };
  /** Without it nothing is known of the spread of the points, so nothing has an interval. */
  readonly design?: PointDesign;
}

/** The weighted points of one output. */
export interface WeightedOutput {
  readonly points: WeightedPoints;
  /** [n] */
  readonly values: Float64Array;
}

/**
 * The values of an output with weights: whole replicates where there are two or more, else all points. Points without a
 * value get weight 0.
 * @param logWeight [n]; default that of the result.
 * @throws OptionError for an unknown output; ShapeError when lengths differ.
 */
export function weightedOutput(
  where: string,
  result: WeightedResult,
  output: string | undefined,
  logWeight: Float64Array = result.sample.logWeight,
): WeightedOutput {
  const { names, values: y } = result.outputs;
  const total = result.sample.shape[0];
  const k = names.length;
  if (y.length !== total * k || logWeight.length !== total) throw wrongShape(where, result, logWeight);
  const column = output === undefined ? 0 : names.indexOf(checkOneOf(where, 'output', output, names));
  const perReplicate = result.design?.perReplicate ?? total;
  const whole = Math.floor(total / perReplicate);
  const n = whole >= 2 ? whole * perReplicate : total;
  const values = Float64Array.from({ length: n }, (_, i) => y[i * k + column]!);
  const weight = logWeight.slice(0, n);
  for (let i = 0; i < n; i++) if (Number.isNaN(values[i]!)) weight[i] = -Infinity;
  const independent = result.design?.independent ?? false;
  return { points: { logWeight: weight, replicates: Math.max(1, whole), independent }, values };
}

/** @throws OptionError unless it has points, their weights and their outputs, and a `design` that says how they were drawn, if any. */
export function checkWeightedResult(where: string, result: WeightedResult): void {
  const { points, shape, logWeight } = result?.sample ?? {};
  const { names, values } = result?.outputs ?? {};
  const numbers = [points, logWeight, values].every((x) => (x as unknown) instanceof Float64Array);
  if (!numbers || !Array.isArray(shape) || !Array.isArray(names)) {
    throw new OptionError({
      where,
      option: 'result',
      value: result,
      found: `option \`result\` is ${show(result)}`,
      expected:
        'the result of a run: { sample: { points, shape, logWeight }, outputs: { names, values } }, numbers as Float64Array',
    });
  }
  if (result.design === undefined) return;
  checkCount(`${where}: result.design`, 'perReplicate', result.design?.perReplicate, { min: 1 });
  checkFlag(`${where}: result.design`, 'independent', result.design?.independent);
}

/** Whether points were left out, so that weights no longer average to that of all points. */
export function hasGaps({ outputs }: WeightedResult): boolean {
  return outputs.values.some(Number.isNaN);
}

function wrongShape(where: string, { sample, outputs }: WeightedResult, logWeight: Float64Array): ShapeError {
  const [n] = sample.shape;
  return new ShapeError({
    where,
    found: `${outputs.values.length} outputs and ${logWeight.length} weights`,
    expected: `${n * outputs.names.length} and ${n}, for ${n} points and ${outputs.names.length} outputs`,
  });
}
