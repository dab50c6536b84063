import type { Backend } from '../../engine/backend/backend.ts';
import type { Rng } from '../../engine/random/rng.ts';
import { bootstrap } from './bootstrap.ts';
import { type Estimates, estimate, estimateSample, valueRows } from './estimates.ts';
import { influence } from './influence.ts';
import {
  bootstrapIntervals,
  type Intervals,
  normalIntervals,
  studentIntervals,
  withoutIntervals,
} from './intervals.ts';
import type { AnalysisPlan } from './plan.ts';
import type { Quantities } from './quantities.ts';
import { type Columns, gatherColumns, type Segment, type Store } from './store.ts';
import { sumSample } from './sum-sample.ts';
import type { SumStore } from './sum-store.ts';
import type { IntervalName } from './types.ts';

/** What an analysis reads. */
export interface Analysis {
  readonly backend: Backend;
  readonly rng: Rng;
  readonly plan: AnalysisPlan;
  readonly quantities: Quantities;
  /** First-order and total indices only, for the history. */
  readonly short: Quantities;
  readonly centreWords: Uint32Array;
  /** Point estimates of whole segments, kept between results; empty it when the store changes. */
  readonly cache: Map<string, Estimates>;
}

/** Rows that are ready: segments of complete replicates, or of what there is when none is complete. */
export interface Ready {
  readonly segments: readonly Segment[];
  readonly complete: number;
  readonly dropped: number;
  /** Rows of an unfinished replicate may be used: the points are independent of each other. */
  readonly independent: boolean;
}

/** All quantities of all outputs (and of the aggregate, the last row) with intervals, [valueRows * Q]. */
export interface Answer {
  readonly intervals: Intervals;
  readonly interval: IntervalName;
  /** The same quantities of each replicate, when they make the intervals; else empty. */
  readonly replicates: readonly Float64Array[];
  /** From pooled rows: centre and variance of each output. */
  readonly centre: Float64Array;
  readonly points: number;
}

/** The interval in force: dropped rows break the net, so replicates give way to independent rows. */
export function intervalInForce(plan: AnalysisPlan, ready: Ready): IntervalName {
  return plan.interval === 'replicates' && ready.dropped > 0 ? 'asymptotic' : plan.interval;
}

/**
 * Estimates with intervals from the rows that are ready.
 *
 * With 'replicates' each replicate is estimated by itself; see `studentIntervals` for why. Otherwise all rows are one
 * sample: their sums are pooled.
 */
export async function answerOf(analysis: Analysis, store: Store | SumStore, ready: Ready): Promise<Answer> {
  const interval = intervalInForce(analysis.plan, ready);
  if (interval === 'replicates' && ready.complete > 0) {
    const each: Estimates[] = [];
    for (const segment of ready.segments) each.push(await segmentEstimate(analysis, store, segment));
    const replicates = each.map(({ values }) => values);
    const intervals = studentIntervals(replicates, analysis.plan.level);
    const centre = meanOf(each.map((estimates) => estimates.centre));
    return { intervals, interval, replicates, centre, points: pointsOf(ready) };
  }
  return store.kind === 'sums'
    ? pooledSums(analysis, store, ready, interval)
    : pooled(analysis, store, ready, interval);
}

/** Sums know no interval but that of replicates. */
async function pooledSums(
  { plan, quantities }: Analysis,
  store: SumStore,
  ready: Ready,
  interval: IntervalName,
): Promise<Answer> {
  const sample = sumSample(store, ready.segments, quantities.program);
  const { values, centre } = await estimateSample(sample, quantities, plan.means);
  return { intervals: withoutIntervals(values), interval, replicates: [], centre, points: sample.n };
}

async function pooled(
  analysis: Analysis,
  store: Store,
  ready: Ready,
  interval: IntervalName,
): Promise<Answer> {
  const { backend, rng, plan, quantities } = analysis;
  const whole = ready.dropped > 0 ? undefined : joined(ready.segments);
  const arena = backend.arena();
  try {
    const columns = whole === undefined ? gatherColumns(store, ready.segments, arena) : store;
    const segment = whole ?? { from: 0, n: columns.stride };
    const at = await (whole === undefined
      ? columnsEstimate(analysis, columns, segment)
      : segmentEstimate(analysis, store, segment));
    const answer = { interval, replicates: [], centre: at.centre, points: segment.n };
    const valid = ready.complete > 0 || ready.independent;
    if (!valid || segment.n < 2 || interval === 'none' || interval === 'replicates') {
      return { ...answer, intervals: withoutIntervals(at.values) };
    }
    if (interval === 'asymptotic') {
      const { standardError } = influence(columns, segment.from, at, quantities);
      return { ...answer, intervals: normalIntervals(at.values, standardError, plan.level) };
    }
    const { acceleration } =
      plan.bootstrap === 'bca'
        ? influence(columns, segment.from, at, quantities)
        : { acceleration: at.values };
    const drawn = await bootstrap(backend, rng, columns, segment.from, at, quantities, plan.resamples);
    const ends = bootstrapIntervals(
      plan.bootstrap,
      at.values,
      drawn,
      plan.resamples,
      plan.level,
      acceleration,
    );
    return { ...answer, intervals: ends };
  } finally {
    arena.release();
  }
}

/** The one segment that neighbouring segments make together; undefined when there are gaps. */
function joined(segments: readonly Segment[]): Segment | undefined {
  const { from } = segments[0]!;
  let n = 0;
  for (const segment of segments) {
    if (segment.from !== from + n) return undefined;
    n += segment.n;
  }
  return { from, n };
}

/** First-order and total indices at a prefix of the rows that are ready, by the cheapest valid interval. */
export async function prefixAnswer(
  analysis: Analysis,
  store: Store | SumStore,
  ready: Ready,
  n: number,
): Promise<Answer> {
  const segments = ready.segments.map(({ from }) => ({ from, n }));
  const { plan } = analysis;
  const interval = plan.interval === 'bootstrap' ? 'asymptotic' : plan.interval;
  const short = { ...analysis, quantities: analysis.short, plan: { ...plan, interval } };
  return answerOf(short, store, { ...ready, segments });
}

async function segmentEstimate(
  analysis: Analysis,
  store: Store | SumStore,
  segment: Segment,
): Promise<Estimates> {
  const { quantities, plan } = analysis;
  const key = `${segment.from} ${segment.n} ${quantities.formulas.length}`;
  const known =
    analysis.cache.get(key) ??
    (await (store.kind === 'sums'
      ? estimateSample(sumSample(store, [segment], quantities.program), quantities, plan.means)
      : columnsEstimate(analysis, store, segment)));
  analysis.cache.set(key, known);
  return known;
}

function columnsEstimate(analysis: Analysis, columns: Columns, segment: Segment): Promise<Estimates> {
  const { backend, quantities, centreWords, plan } = analysis;
  return estimate(backend, columns, segment, quantities, centreWords, plan.means);
}

function pointsOf(ready: Ready): number {
  return ready.segments.reduce((sum, { n }) => sum + n, 0);
}

function meanOf(arrays: readonly Float64Array[]): Float64Array {
  const mean = new Float64Array(arrays[0]!.length);
  for (const array of arrays) for (let i = 0; i < mean.length; i++) mean[i]! += array[i]! / arrays.length;
  return mean;
}

/** Entries of one output (or of the aggregate) in an answer. */
export function rowOf(answer: Answer, quantities: Quantities, row: number): Intervals {
  const size = quantities.formulas.length;
  const cut = (array: Float64Array): Float64Array => array.subarray(row * size, (row + 1) * size);
  const { value, standardError, low, high } = answer.intervals;
  return { value: cut(value), standardError: cut(standardError), low: cut(low), high: cut(high) };
}

/** Row of the answer that speaks for the whole model: the only output, or the aggregate. */
export function mainRow(outputs: number): number {
  return valueRows(outputs) - 1;
}
