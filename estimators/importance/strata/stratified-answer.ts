import { studentT } from '../../../engine/distribution/student-t.ts';
import { happens } from '../../../engine/model/event.ts';
import { toldPlace } from '../../../engine/model/place.ts';
import type { Ending } from '../../../engine/sampler.ts';
import type { IntervalEstimate, Warning } from '../../../engine/types.ts';
import { type Interval, toEstimate, withoutInterval } from '../plain/output-intervals.ts';
import type { Statistic } from '../plain/output-statistics.ts';
import { type PointRunState, runInfo } from '../plain/point-run.ts';
import { allocate, interleaved } from './strata.ts';
import { FEWEST, type StratifiedPlan } from './stratified-plan.ts';
import type { StratifiedResult } from './stratified-types.ts';

/** Share of 'neyman' points that stays proportional. */
const PROPORTIONAL = 0.1;
/** Events, and points outside, that strata with both must have seen for an interval of a probability. */
const FEW_EVENTS = 10;

/** The points of one stage: rows first .. first + n - 1 of the state, and their strata. */
interface Stage {
  readonly first: number;
  /** Rows evaluated so far. */
  readonly n: number;
  /** [K] planned. */
  readonly points: Uint32Array;
  readonly stratum: Uint32Array;
}

/** Counts, means and sums of squares of one statistic in each stratum, [K]. */
interface Inside {
  readonly n: Float64Array;
  readonly mean: Float64Array;
  readonly squares: Float64Array;
}

/** The stages are functions of the plan and, for the second of 'neyman', of the outputs of the first. */
export function stageOf(state: PointRunState, plan: StratifiedPlan, which: 'pilot' | 'main'): Stage {
  const { strata, pilot, points: all } = plan;
  const proportional = (total: number): Uint32Array => allocate(total, strata.probability, FEWEST);
  const main = which === 'main';
  const points = !main
    ? proportional(pilot)
    : pilot === 0
      ? proportional(all)
      : allocate(all - pilot, neymanShares(state, plan), FEWEST);
  const first = main ? pilot : 0;
  const n = Math.max(0, Math.min(state.done, main ? all : pilot) - first);
  return { first, n, points, stratum: interleaved(points) };
}

/** 9/10 p_k sigma_k / sum + 1/10 p_k from the outputs of the pilot. */
function neymanShares(state: PointRunState, plan: StratifiedPlan): Float64Array {
  const { probability } = plan.strata;
  const stage = stageOf(state, plan, 'pilot');
  const squared = new Float64Array(probability.length);
  for (const statistic of wanted(state, plan)) {
    const inside = within(state, stage, statistic, probability.length);
    const variance = inside.squares.map((s, k) => s / (inside.n[k]! - 1));
    const all = variance.reduce((total, v, k) => total + probability[k]! * v, 0);
    if (all > 0) for (let k = 0; k < squared.length; k++) squared[k]! += variance[k]! / all;
  }
  const size = squared.map((s, k) => probability[k]! * Math.sqrt(s));
  const total = size.reduce((a, b) => a + b, 0);
  if (!(total > 0)) return probability;
  return size.map((s, k) => ((1 - PROPORTIONAL) * s) / total + PROPORTIONAL * probability[k]!);
}

/** Means of the outputs and probabilities of events. */
function wanted(state: PointRunState, plan: StratifiedPlan): readonly Statistic[] {
  return plan
    .statistics(state.evaluator.outputs)
    .filter(({ what }) => what.kind === 'mean' || what.kind === 'probability');
}

function within(state: PointRunState, stage: Stage, { output, what }: Statistic, count: number): Inside {
  const n = new Float64Array(count);
  const mean = new Float64Array(count);
  const squares = new Float64Array(count);
  const k = state.evaluator.outputs.length;
  for (let i = 0; i < stage.n; i++) {
    const y = state.y[(stage.first + i) * k + output]!;
    const value = what.kind === 'probability' ? Number(happens(what.event, y)) : y;
    const at = stage.stratum[i]!;
    const off = value - mean[at]!;
    n[at]!++;
    mean[at]! += off / n[at]!;
    squares[at]! += off * (value - mean[at]!);
  }
  return { n, mean, squares };
}

/** The answer from the points evaluated so far: those of the main stage once every stratum has two, before of the pilot. */
export function stratifiedAnswer(
  state: PointRunState,
  { outcome, provenance }: Ending,
  plan: StratifiedPlan,
): StratifiedResult {
  const { strata, space } = plan;
  const stage = stageInUse(state, plan);
  const statistics = wanted(state, plan);
  const inside = statistics.map((statistic) => within(state, stage, statistic, strata.count));
  const intervals = statistics.map((statistic, s) => interval(statistic, inside[s]!, plan));
  const pick = (kind: Statistic['what']['kind'] | undefined): IntervalEstimate => {
    const at = statistics.flatMap(({ what }, s) => (kind === undefined || what.kind === kind ? [s] : []));
    return toEstimate(
      at.map((s) => statistics[s]!.name),
      at.map((s) => intervals[s]!),
      plan.level,
    );
  };
  const { outputs } = state.evaluator;
  const [lo, hi] = [stage.first, stage.first + stage.n];
  const counts = inside[0]!.n;
  return {
    estimate: pick(undefined),
    mean: pick('mean'),
    probabilities: pick('probability'),
    varianceReduction: Float64Array.from(inside, (one, s) => reduction(one, intervals[s]!, plan, stage.n)),
    strata: {
      probability: strata.probability.slice(),
      points: Uint32Array.from(counts),
      sd: Float64Array.from(
        inside.flatMap(({ n, squares }) => [...squares.map((s, k) => Math.sqrt(s / (n[k]! - 1)))]),
      ),
    },
    outputs: { names: [...outputs], values: state.y.slice(lo * outputs.length, hi * outputs.length) },
    sample: {
      points: state.x.slice(lo * space.dimension, hi * space.dimension),
      shape: [stage.n, space.dimension],
      logWeight: Float64Array.from({ length: stage.n }, (_, i) => {
        const k = stage.stratum[i]!;
        return Math.log((strata.probability[k]! * stage.n) / counts[k]!);
      }),
    },
    outcome,
    diagnostics: runInfo(state, plan, warningsOf(statistics, inside, intervals, stage)),
    provenance: toldPlace(provenance, state.evaluator.place),
    failures: [...state.failures],
    failed: state.failed,
  };
}

function stageInUse(state: PointRunState, plan: StratifiedPlan): Stage {
  const main = state.done > plan.pilot;
  const stage = stageOf(state, plan, main ? 'main' : 'pilot');
  const seen = new Uint32Array(plan.strata.count);
  for (let i = 0; i < stage.n; i++) seen[stage.stratum[i]!]!++;
  return main && plan.pilot > 0 && seen.some((n) => n < FEWEST) ? stageOf(state, plan, 'pilot') : stage;
}

/**
 * Student's with the degrees of freedom of Satterthwaite. In the error of a probability each stratum has seen one event and
 * one point outside more than it has: a stratum without an event may still hold some.
 */
function interval({ what }: Statistic, { n, mean, squares }: Inside, plan: StratifiedPlan): Interval {
  const { probability } = plan.strata;
  const value = n.every((count) => count >= FEWEST)
    ? mean.reduce((t, m, k) => t + probability[k]! * m, 0)
    : Number.NaN;
  let variance = 0;
  let spread = 0;
  for (let k = 0; k < n.length; k++) {
    const hits = mean[k]! * n[k]!;
    const inside =
      what.kind === 'probability'
        ? ((hits + 1) * (n[k]! - hits + 1)) / (n[k]! + 2) ** 2
        : squares[k]! / (n[k]! - 1);
    const part = (probability[k]! ** 2 * inside) / n[k]!;
    variance += part;
    spread += part ** 2 / (n[k]! - 1);
  }
  const standardError = Math.sqrt(variance);
  if (!(standardError > 2 ** -48 * Math.abs(value))) return withoutInterval(value);
  if (what.kind === 'probability' && eventsSeen({ n, mean, squares }) < FEW_EVENTS)
    return withoutInterval(value);
  const half = studentT(variance ** 2 / spread).quantile((1 + plan.level) / 2) * standardError;
  return { value, standardError, low: value - half, high: value + half };
}

/** Events, or points outside if those are fewer, in all strata together. */
function eventsSeen({ n, mean }: Inside): number {
  return n.reduce((total, count, k) => total + Math.round(Math.min(mean[k]!, 1 - mean[k]!) * count), 0);
}

function reduction(
  { n, mean, squares }: Inside,
  { value, standardError }: Interval,
  plan: StratifiedPlan,
  points: number,
): number {
  const all = plan.strata.probability.reduce(
    (total, p, k) => total + p * (squares[k]! / (n[k]! - 1) + (mean[k]! - value) ** 2),
    0,
  );
  return all / points / standardError ** 2;
}

function warningsOf(
  statistics: readonly Statistic[],
  inside: readonly Inside[],
  intervals: readonly Interval[],
  stage: Stage,
): readonly Warning[] {
  const warnings: Warning[] = [];
  statistics.forEach(({ name, what }, s) => {
    if (what.kind !== 'probability' || Number.isNaN(intervals[s]!.value)) return;
    const seen = eventsSeen(inside[s]!);
    if (intervals[s]!.value === 0) {
      warnings.push({
        code: 'event-unseen',
        message: `${name}: none of the ${stage.n} points was in the event, so its probability is only known to be small. Use more points, or a rare-event method.`,
        value: 0,
      });
    } else if (seen < FEW_EVENTS) {
      warnings.push({
        code: 'few-events',
        message: `${name}: strata that the event divides saw only ${seen} of it, or outside it, too few for an interval (warned below ${FEW_EVENTS}). Use more points, or strata that it does not divide.`,
        value: seen,
        threshold: FEW_EVENTS,
      });
    }
  });
  return warnings;
}
