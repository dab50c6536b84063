import { normalInterval } from '../../../engine/diagnostics/standard-error.ts';
import { toInputs } from '../../../engine/distribution/normal-space.ts';
import { outputOf } from '../../../engine/model/event.ts';
import { toldPlace } from '../../../engine/model/place.ts';
import type { Ending, Info } from '../../../engine/sampler.ts';
import type { Outcome, Warning } from '../../../engine/types.ts';
import { heavyWarning, unseenWarning } from '../weighted/weight-warnings.ts';
import { type WeightedMean, weightedMeanOf } from '../weighted/weighted-means.ts';
import type { CrossEntropyPlan } from './cross-entropy-plan.ts';
import type { CrossEntropyState } from './cross-entropy-state.ts';
import type { CrossEntropyResult } from './cross-entropy-types.ts';

/** Effective points in the event below which no error is given. */
const LEAST_ESS = 50;

/** The answer from the final points so far. */
export function crossEntropyAnswer(
  state: CrossEntropyState,
  plan: CrossEntropyPlan,
  { outcome, provenance }: Ending,
  info: Info,
): CrossEntropyResult {
  const { final, levels, score } = state;
  const n = final.done;
  const logWeight = final.logWeight.subarray(0, n);
  const inside = final.score.subarray(0, n).map((y) => (y > 0 ? 1 : 0));
  const points = { logWeight, replicates: 1, independent: true };
  const found = weightedMeanOf(points, inside, 'plain', plan.level, true);
  const trusted = found.status === 'estimated' && found.ess >= LEAST_ESS;
  const value = Math.log(found.value);
  const standardError = trusted ? found.standardError / found.value : Number.NaN;
  const method = Number.isNaN(standardError) ? 'none' : 'importance-sampling';
  const { low, high } = normalInterval(value, standardError, plan.level);
  return {
    estimate: {
      names: ['log probability'],
      value: Float64Array.of(value),
      standardError: Float64Array.of(standardError),
    },
    sample: sampleOf(state, plan),
    outcome: n === 0 ? outcome : outcomeOf(found, n, outcome),
    diagnostics: { ...info, ess: found.ess, warnings: n === 0 ? [] : warningsOf(found, n) },
    provenance: toldPlace(provenance, score.evaluator.place),
    logProbability: { value, standardError, method, unbiased: true },
    probability: {
      value: found.value,
      low: Math.exp(low),
      high: Math.min(1, Math.exp(high)),
      level: plan.level,
    },
    weights: { ess: found.ess, paretoShape: found.paretoShape, largestShare: found.largestShare },
    hits: inside.reduce((sum, hit) => sum + hit, 0) / n,
    levels: levels.map((level) => ({ value: outputOf(plan.event, level.value), share: level.share })),
  };
}

/** The inputs of the event among the final points. */
function sampleOf({ final }: CrossEntropyState, { space }: CrossEntropyPlan): CrossEntropyResult['sample'] {
  const d = space.dimension;
  const rows: number[] = [];
  for (let i = 0; i < final.done; i++) if (final.score[i]! > 0) rows.push(i);
  const z = new Float64Array(rows.length * d);
  for (const [at, i] of rows.entries()) z.set(final.z.subarray(i * d, (i + 1) * d), at * d);
  const points = new Float64Array(z.length);
  toInputs(space, z, rows.length, points);
  const logWeight = Float64Array.from(rows, (i) => final.logWeight[i]!);
  return { points, shape: [rows.length, d], logWeight };
}

function outcomeOf({ status, ess }: WeightedMean, n: number, outcome: Outcome): Outcome {
  if (status !== 'unseen' && ess >= LEAST_ESS) return outcome;
  const message =
    status === 'unseen'
      ? `None of the ${n} final points was in the event: it is rarer than the levels reached, or impossible. Use splitting.`
      : `Only ${ess.toFixed(1)} points of the event count in effect (needed: ${LEAST_ESS}), so no interval is given. Use more points or components, or splitting.`;
  return { kind: 'degenerate', ess, message };
}

function warningsOf({ status, paretoShape }: WeightedMean, n: number): readonly Warning[] {
  const about = [{ name: 'the event', event: true, shape: paretoShape }];
  if (status === 'unseen') return unseenWarning(about, n);
  return status === 'heavy' ? heavyWarning(about, 'Use more components or points, or splitting.') : [];
}
