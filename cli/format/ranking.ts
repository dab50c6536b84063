import { type HistoryEntry, type OutputIndices, type SobolResult, studentT } from '../../estimators/index.ts';
import { count, duration } from './number.ts';

/** Inputs next to each other in the order of ST whose difference may be 0. */
export interface Tie {
  /** Largest ST first. */
  readonly members: readonly number[];
  /** Largest ratio, over its neighbours, of the half-width of their difference to the difference. */
  readonly ratio: number;
}

/** More base points than this are never proposed. */
const MOST_POINTS = 2 ** 22;
/** Rates at which half-widths can shrink: n^-0.5 for plain sampling to little over n^-1 for nets. */
const RATE = { least: 0.5, most: 1.25 };

/** Differences that are 0 but for rounding. */
const ROUNDING = 1e-12;

/**
 * Groups of inputs that the total indices leave undecided. Neighbours in ST are told apart when the interval of
 * their difference excludes 0. Its half-width is Student's of the differences within replicates, R - 1 degrees of
 * freedom; without replicates, that of a difference of two independent estimates.
 */
export function notToldApart(indices: OutputIndices, candidates: readonly number[]): Tie[] {
  const { value } = indices.totalOrder;
  const halfOf = differenceHalf(indices);
  const order = [...candidates].sort((a, b) => value[b]! - value[a]! || a - b);
  const ties: { members: number[]; ratio: number }[] = [];
  for (let k = 1; k < order.length; k++) {
    const [a, b] = [order[k - 1]!, order[k]!];
    const half = halfOf(a, b);
    const gap = value[a]! - value[b]!;
    if (Number.isNaN(half) || gap > half) continue;
    const last = ties[ties.length - 1];
    // No number of points settles an exact tie.
    const ratio = half === 0 ? Infinity : half / gap;
    if (last?.members[last.members.length - 1] === a) {
      last.members.push(b);
      last.ratio = Math.max(last.ratio, ratio);
    } else ties.push({ members: [a, b], ratio });
  }
  return ties;
}

/** Half-width of the interval of ST of one input minus that of another; 0 for an exact tie, NaN when there is none. */
function differenceHalf(indices: OutputIndices): (a: number, b: number) => number {
  const { value, low, high, level } = indices.totalOrder;
  const paired = indices.replicateTotals;
  if (paired === undefined) {
    return (a, b) => {
      const half = Math.hypot((high[a]! - low[a]!) / 2, (high[b]! - low[b]!) / 2);
      return half > 0 ? half : Number.NaN;
    };
  }
  const { replicates: r, values } = paired;
  const t = studentT(r - 1).quantile((1 + level) / 2);
  return (a, b) => {
    const gap = value[a]! - value[b]!;
    let [squares, largest] = [0, 0];
    for (let from = 0; from < values.length; from += value.length) {
      const difference = values[from + a]! - values[from + b]!;
      squares += (difference - gap) ** 2;
      largest = Math.max(largest, Math.abs(difference));
    }
    if (largest <= ROUNDING * Math.abs(value[a]!)) return 0;
    return t * Math.sqrt(squares / (r - 1) / r);
  };
}

/**
 * How many points would tell the ties apart, at the rate at which the half-widths of this run shrank; nothing
 * when no affordable number would.
 */
export function toSettle(result: SobolResult, ties: readonly Tie[], speed: number): string | undefined {
  const { design } = result;
  const rate = shrinkRate(result.history);
  const needed = ties
    .slice(0, 2)
    .map(({ ratio }) => 2 ** Math.ceil(Math.log2(design.points * ratio ** (1 / rate))))
    .filter((points) => points > design.points && points <= MOST_POINTS);
  if (needed.length === 0) return undefined;
  const points = Math.max(...needed);
  const runs = points * design.rowsPerPoint;
  const time = speed > 0 ? `, about ${duration(runs / speed)}` : '';
  return `To settle it: -n ${points} (${count(runs)} model runs${time}).`;
}

/** Exponent r of half-width ~ n^-r, by least squares on the last three prefixes. */
export function shrinkRate(history: readonly HistoryEntry[]): number {
  const points = history
    .map((at) => ({ n: Math.log(at.points), width: Math.log(widestHalf(at)) }))
    .filter(({ width }) => Number.isFinite(width))
    .slice(-3);
  if (points.length < 2) return RATE.least;
  const middle = points.reduce((sum, p) => sum + p.n, 0) / points.length;
  const slope =
    points.reduce((sum, p) => sum + (p.n - middle) * p.width, 0) /
    points.reduce((sum, p) => sum + (p.n - middle) ** 2, 0);
  return Math.min(RATE.most, Math.max(RATE.least, -slope));
}

/** Largest half-width of the total indices, NaN when there is none. */
export function widestHalf(at: Pick<HistoryEntry, 'totalOrder'>): number {
  const { low, high } = at.totalOrder;
  let most = Number.NaN;
  for (let i = 0; i < low.length; i++) {
    const half = (high[i]! - low[i]!) / 2;
    if (!(half <= most)) most = Number.isNaN(half) ? most : half;
  }
  return most;
}
