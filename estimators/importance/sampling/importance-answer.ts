import { toldPlace } from '../../../engine/model/place.ts';
import { largestWeight } from '../../../engine/particles/log-weight.ts';
import type { Ending, Info } from '../../../engine/sampler.ts';
import type { Density, Outcome, Warning } from '../../../engine/types.ts';
import { toEstimate } from '../plain/output-intervals.ts';
import { type PointFunction, valuesAt } from '../weighted/point-functions.ts';
import { heavyWarning, oneWeightWarning, unseenWarning } from '../weighted/weight-warnings.ts';
import {
  logNormalizerOf,
  type WeightedEstimator,
  type WeightedMean,
  type WeightedPoints,
  weightedMeanOf,
} from '../weighted/weighted-means.ts';
import type { PointDesign } from '../weighted/weighted-result.ts';
import type { DrawnPoints } from './drawn-points.ts';
import type { ImportanceResult } from './importance-types.ts';
import type { Target } from './target.ts';
import { coverWarning, targetCover } from './target-cover.ts';
import type { TargetModel } from './target-model.ts';

/** What an answer is made of besides the points. */
export interface AnswerPlan {
  readonly where: string;
  readonly target: Target;
  /** The law the points were drawn from; undefined when several were. */
  readonly proposal: Density | undefined;
  readonly functions: readonly PointFunction[];
  readonly estimator: WeightedEstimator;
  readonly level: number;
  /** Of 'plain' weights: whether the points were drawn afresh from a proposal that does not depend on them. */
  readonly fresh: boolean;
  readonly warnings: readonly Warning[];
  readonly pointDesign: PointDesign;
}

/** The weights of points, and how they were drawn. */
export interface Weighing {
  /** [n] log f - log q of all points. */
  readonly logWeight: Float64Array;
  /** Of the first points that make whole replicates, or all. */
  readonly used: WeightedPoints;
  /** No error where one would not be valid. */
  readonly withoutError: boolean;
}

/** Expectations from the points so far. */
export function importanceAnswer(
  points: DrawnPoints,
  { logWeight, used, withoutError }: Weighing,
  model: TargetModel,
  plan: AnswerPlan,
  { outcome, provenance }: Ending,
  info: Info,
): ImportanceResult {
  const { functions, estimator, level, where } = plan;
  const n = used.logWeight.length;
  const { done } = points;
  const [d, k] = [points.x.length / points.planned, model.outputs.length];
  const y = k === 0 ? new Float64Array(0) : points.y.subarray(0, n * k);
  const cover =
    plan.proposal === undefined || n === 0
      ? undefined
      : targetCover(plan.target, plan.proposal, used, { plain: estimator === 'plain', local: k === 0 });
  const means = functions.map((one) => {
    const values = valuesAt(where, one, points.logTarget.subarray(0, n), y, points.x.subarray(0, n * d));
    const found = weightedMeanOf(used, values, estimator, level, one.event);
    const needs = cover?.needs(one) ?? 'no';
    if (needs === 'yes') return { ...bare(found), value: Number.NaN };
    return withoutError || needs === 'perhaps' ? bare(found) : found;
  });
  const { paretoShape, ess, ...whole } = logNormalizerOf(used, level);
  const logNormalizer = withoutError ? bare(whole) : whole;
  const largestShare = n === 0 ? Number.NaN : largestWeight(used.logWeight);
  const names = functions.map(({ name }) => name);
  return {
    estimate: toEstimate(names, means, level),
    estimator,
    unbiased:
      estimator === 'plain' && plan.fresh && functions.every((one) => (cover?.needs(one) ?? 'no') === 'no'),
    logNormalizer: { ...logNormalizer, level },
    diagnosticsOf: means.map((mean, j) => ({
      name: names[j]!,
      status: mean.status,
      ess: mean.ess,
      paretoShape: mean.paretoShape,
      largestShare: mean.largestShare,
    })),
    weights: { ess, paretoShape, largestShare },
    design: plan.pointDesign,
    outputs: { names: [...model.outputs], values: points.y.slice(0, done * k) },
    sample: { points: points.x.slice(0, done * d), shape: [done, d], logWeight },
    outcome: outcomeOf(outcome, ess, largestShare, n),
    diagnostics: {
      ...info,
      ess,
      warnings: [
        ...plan.warnings,
        ...(cover === undefined ? [] : coverWarning(cover, whole.value)),
        ...warningsOf(functions, means, largestShare, n),
      ],
    },
    provenance: toldPlace(provenance, model.place),
    failures: [...points.failures],
    failed: points.failed,
  };
}

function bare<T extends object>(found: T): T {
  const { NaN: none } = Number;
  return { ...found, standardError: none, low: none, high: none };
}

/** Share of one weight above which the sample is nearly a single point. */
const MOST = 0.5;

function outcomeOf(outcome: Outcome, ess: number, largestShare: number, n: number): Outcome {
  if (n < 2 || (ess > 0 && largestShare <= MOST)) return outcome;
  const message =
    ess === 0
      ? `All ${n} points have weight 0: the proposal does not meet the target. Use a proposal where the target has its mass.`
      : `One of ${n} points holds ${percent(largestShare)} % of the weight: the answer is nearly a single point. Use a proposal nearer to the target, or defensive: 0.1.`;
  return { kind: 'degenerate', ess, message };
}

function warningsOf(
  functions: readonly PointFunction[],
  means: readonly WeightedMean[],
  largestShare: number,
  n: number,
): readonly Warning[] {
  const of = (status: WeightedMean['status']) =>
    functions.flatMap(({ name, event }, j) =>
      means[j]!.status === status ? [{ name, event, shape: means[j]!.paretoShape }] : [],
    );
  return [
    ...unseenWarning(of('unseen'), n),
    ...heavyWarning(of('heavy'), 'Use a wider proposal (defensive: 0.1) or more points.'),
    ...oneWeightWarning(largestShare, MOST),
  ];
}

/** 0.384 as '38'. */
function percent(share: number): string {
  return (100 * share).toPrecision(2);
}
