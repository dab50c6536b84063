import { happens } from '../../../engine/model/event.ts';
import { toldPlace } from '../../../engine/model/place.ts';
import type { Ending } from '../../../engine/sampler.ts';
import type { Warning } from '../../../engine/types.ts';
import { type PointRunState, runInfo } from '../plain/point-run.ts';
import {
  estimateWith,
  functionalOf,
  type Influence,
  meanInfluence,
  NO_INTERVAL,
  weightedQuantileOf,
} from '../weighted/weighted-functionals.ts';
import { HEAVIEST, type WeightedMean, type WeightedPoints } from '../weighted/weighted-means.ts';
import { hasGaps, type WeightedResult, weightedOutput } from '../weighted/weighted-result.ts';
import type { Plan } from './law-impact-plan.ts';
import { WHERE } from './law-impact-plan.ts';
import { impactWeights } from './law-impact-points.ts';
import type { LawImpactResult, PerturbationReport } from './law-impact-types.ts';
import { type LawReach, reachOf, shownAt, tooFar } from './law-reach.ts';
import { estimateOf } from './reweight.ts';

/** The quantity under one law. */
interface Under extends LawReach {
  readonly points: WeightedPoints;
  readonly found: WeightedMean;
  readonly influence: Influence;
}

/** The answer from the points evaluated so far. */
export function answer(state: PointRunState, { outcome, provenance }: Ending, plan: Plan): LawImpactResult {
  const { evaluator, done } = state;
  const d = plan.space.dimension;
  const points = state.x.slice(0, done * d);
  const weights = impactWeights(plan, points);
  const result: WeightedResult = {
    sample: { points, shape: [done, d], logWeight: weights[0]! },
    outputs: { names: [...evaluator.outputs], values: state.y.slice(0, done * evaluator.outputs.length) },
    design: { perReplicate: plan.perReplicate, independent: plan.design === 'iid' },
  };
  const [base, ...others] = weights.map((weight) => under(plan, result, weight)) as [Under, ...Under[]];
  const reports = others.map((each, l) => reportOf(plan, each, l));
  const indices = others.map((each, l) => ({ ...indexOf(plan, base, each), name: plan.perturbed[l]!.name }));
  const values = others.map(({ found }, l) => ({ ...found, name: plan.perturbed[l]!.name }));
  const warnings = [...plan.warnings, ...warningsOf(plan, state, base, others, reports)];
  return {
    ...result,
    design: { perReplicate: plan.perReplicate, independent: plan.design === 'iid' },
    estimate: estimateOf(indices, plan.level),
    values: estimateOf(values, plan.level),
    base: estimateOf([{ ...base.found, name: 'inputs as they are' }], plan.level),
    perturbations: reports,
    outcome,
    diagnostics: { ...runInfo(state, plan, warnings), ess: base.ess },
    provenance: toldPlace(provenance, evaluator.place),
    failures: [...state.failures],
    failed: state.failed,
  };
}

function under(plan: Plan, result: WeightedResult, logWeight: Float64Array): Under {
  const { quantity, level } = plan;
  const named =
    quantity === undefined
      ? undefined
      : 'mean' in quantity
        ? quantity.mean
        : 'event' in quantity
          ? quantity.event.output
          : quantity.output;
  const { points, values } = weightedOutput(WHERE, result, named, logWeight);
  const reach = reachOf(points, !hasGaps(result));
  const rest = { points, ...reach };
  if (quantity !== undefined && 'quantile' in quantity) {
    const found = weightedQuantileOf(points, values, quantity.quantile, 'self-normalised', level);
    return { ...rest, found: shownAt(found, reach), influence: found };
  }
  const h =
    quantity !== undefined && 'event' in quantity
      ? values.map((y) => (happens(quantity.event, y) ? 1 : 0))
      : values;
  const influence = meanInfluence(points, h, 'self-normalised');
  return { ...rest, found: shownAt(estimateWith(points, influence, level), reach), influence };
}

/** The index of one perturbation by the delta method: base and perturbed value come from the same points. */
function indexOf({ quantity, level }: Plan, base: Under, other: Under): WeightedMean {
  const P = base.found.value;
  const Pd = other.found.value;
  const falls = quantity !== undefined && 'event' in quantity && Pd < P;
  const value = falls ? 1 - P / Pd : Pd / P - 1;
  const gradient = falls ? [-1 / Pd, P / (Pd * Pd)] : [-Pd / (P * P), 1 / P];
  const found = functionalOf(base.points, [base.influence, other.influence], value, gradient, level);
  return base.near && other.near ? found : { ...found, ...NO_INTERVAL };
}

function reportOf(
  { perturbed, space }: Plan,
  { found, near, ess, paretoShape, largestShare }: Under,
  l: number,
): PerturbationReport {
  const { name, input, law } = perturbed[l]!;
  return {
    name,
    input: space.names[input]!,
    mean: law.mean,
    variance: law.variance,
    law: law.describe(),
    status: found.status,
    near,
    ess,
    paretoShape,
    largestShare,
  };
}

function warningsOf(
  plan: Plan,
  { done, failed }: PointRunState,
  base: Under,
  others: readonly Under[],
  reports: readonly PerturbationReport[],
): readonly Warning[] {
  const warnings: Warning[] = reports.flatMap(({ name }, l) =>
    others[l]!.near ? [] : [tooFar(name, others[l]!)],
  );
  for (const { name } of reports.filter(({ near, status }) => near && status === 'heavy'))
    warnings.push({
      code: 'pareto-k',
      message: `${name}: a few points decide the quantity under this law (Pareto k above ${HEAVIEST}), so it has no interval. Use more points.`,
      threshold: HEAVIEST,
    });
  if (base.found.status === 'unseen')
    warnings.push({
      code: 'event-unseen',
      message: `None of the ${done} points was in the event, so no index is known. Use more points, or find the event with expectations or splitting first.`,
      value: 0,
    });
  if (plan.replicates === 1 && plan.design !== 'iid')
    warnings.push({
      code: 'one-replicate',
      message:
        'With one randomisation there is no standard error. Use replicates: 8 for intervals (slightly less sharp).',
      value: 1,
      threshold: 2,
    });
  if (plan.missing === 'drop-row' && failed > 0)
    warnings.push({
      code: 'rows-dropped',
      message: `${failed} of ${done} rows were left out because the model failed there; results describe the inputs where it works. The points are listed in \`failures\`.`,
      value: failed,
    });
  return warnings;
}
