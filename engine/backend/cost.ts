import type { KernelArgs, KernelName } from '../wasm/kernels.ts';
import { BLOCK } from '../wasm/twins/sums.ts';
import type { KernelCall } from './backend.ts';

type Costs = { readonly [K in KernelName]?: (...args: KernelArgs<K>) => number };

/**
 * Rough nanoseconds of one item of a kernel's range on one thread. Being wrong by a factor of two costs a
 * little time and never a bit. A kernel that is not listed is not split unless its caller gives a grain.
 */
const COSTS: Costs = {
  philoxWords: () => 7,
  uniform: (_out, d) => 4 * d,
  normal: (_out, d) => 8 * d,
  normalQuantiles: () => 5,
  expInto: () => 2,
  logInto: () => 3,
  sobolWords: (_directions, _scramble, _mode, d) => 3 * d,
  sobolPoints: (_directions, _scramble, _mode, d) => 3 * d,
  componentDensities: (_x, d, _means, _whiten, _constants, components) =>
    components * (4 + 0.6 * d * (d + 1)),
  shareBlocks: (_ratio, width) => 1.5 * width * BLOCK,
  weightedMoments: (_x, d, n) => n * (5 + 4 * d + 2 * d * (d + 1)),
  mixtureScore: (_x, d, _means, _whiten, _constant, components) => components * (2 + 1.5 * d * d),
  mixtureLogDensity: (_x, d, _means, _whiten, _constant, components) => components * (3 + d * d),
  randomWalk: (_x, _next, _scale, d) => 9 * d,
  langevin: (_x, _next, _h, d, _means, _whiten, _constant, components) =>
    9 * d + components * (2 + 1.5 * d * d),
  affineNormal: (_parent, p, _next, d, noise) => 11 * noise + 0.6 * d * (p + noise),
  affineLogDensity: (_x, d, _coefficients, k) => 1 + 0.6 * d * k,
  volatilityLogDensity: () => 3,
  logisticLogDensity: (_theta, d, _data, _terms, first, last) => (last - first) * (27 + 1.5 * d),
  logisticGradient: (_theta, d, _data, _terms, first, last) => (last - first) * (35 + 4.5 * d),
  correctorRates: (_x, d, _stride, _scores, experts) => 4 + d * (2 + experts),
  correctorMove: (_x, _u, _next, d) => 9 * d,
  correctorPotential: (_features, width) => 1 + 0.5 * width,
  correctorMoments: (_features, width) => (1 + 0.25 * width * (width + 1)) * BLOCK,
  sumBlocks: () => 0.2 * BLOCK,
  squareBlocks: () => 0.2 * BLOCK,
  maxBlocks: () => 0.2 * BLOCK,
  reweighBlocks: () => BLOCK,
  riseBlocks: () => 0.1 * BLOCK,
  expShiftBlocks: () => 3 * BLOCK,
  quantiseBlocks: () => BLOCK,
  scanBlocks: () => 0.5 * BLOCK,
  weightedSumBlocks: (_x, d) => 0.4 * d * BLOCK,
  weightedCrossBlocks: (_x, d) => 0.5 * d * (d + 1) * BLOCK,
  indexSums: (_y, _base, _stride, _n, _program, terms) => terms * BLOCK,
  resampleCounts: (_counts, n) => 2 * n,
  combineRows: (_out, _s0, _s1, _s2, _s3, _s4, _s5, _s6, _s7, terms, _factors, _group, grouped, d) =>
    d * (0.5 + 0.25 * terms) + (grouped === 0 ? 0 : 6),
  countUp: () => 0.2,
  exponentials: () => 3,
  wholeCopies: () => 3,
  repeatAncestors: () => 2,
  systematicAncestors: () => 3,
  stratifiedAncestors: () => 4,
  mergeAncestors: () => 4,
  searchAncestors: () => 50,
  killingAncestors: () => 15,
  rejectionAncestors: () => 40,
  metropolisAncestors: (_q, _cumulative, _total, _n, _own, moves) => 10 * moves,
  gatherRows: (_src, _dst, _ancestor, d) => 1 + 0.5 * d,
  gatherWords: (_src, _dst, _ancestor, d) => 1 + 0.5 * d,
};

/** Nanoseconds of work that are worth a thread, and a claim of its own. */
interface Worth {
  readonly thread: number;
  readonly claim: number;
}

/** Whether those that are to help sleep or look out for work. */
type Workers = 'asleep' | 'awake';

/** A worker that sleeps is woken by a message; one that looks out for work takes it in a microsecond. */
const WORTH: Readonly<Record<Workers, Worth>> = {
  asleep: { thread: 500_000, claim: 50_000 },
  awake: { thread: 15_000, claim: 8_000 },
};
/** Longest stretch for which the calling thread does not turn to its event loop. */
const STRETCH = 8_000_000;
/**
 * Pieces a thread gets on average when it claims them by messages: one that starts late or shares its processor leaves
 * some to the others. Those that are awake claim what is worth it, more of it at a time while much is left.
 */
const PIECES: Readonly<Record<Workers, number>> = { asleep: 8, awake: Infinity };
/** Pieces are whole groups of this many items where they are that long: cache lines, registers. */
const GROUP = 64;

/** How to cut a dispatch. */
export interface Plan {
  /** Threads that are worth having. */
  readonly parts: number;
  /** Items a thread claims at a time; the calling thread may turn to its event loop after each. */
  readonly piece: number;
  /** Whether all of it is one short stretch for one thread. False where the cost is not known. */
  readonly short: boolean;
}

/**
 * Cut [0, count) for at most `threads` threads.
 * @param grain least items a thread should get; Infinity keeps the range in one piece and one call.
 * @param workers default 'asleep'.
 */
export function plan<K extends KernelName>(
  kernel: K,
  args: KernelArgs<K>,
  count: number,
  threads: number,
  grain: number | undefined,
  workers: Workers = 'asleep',
): Plan {
  return cut(costOf(kernel, args), count, threads, grain, workers);
}

/** The same for kernels in one go over the blocks of rows. */
export function planChain(
  calls: readonly KernelCall[],
  blocks: number,
  threads: number,
  workers: Workers,
): Plan {
  let each: number | undefined = 0;
  for (const { kernel, args, over } of calls) {
    const cost = costOf(kernel, args);
    each =
      each === undefined || cost === undefined ? undefined : each + (over === 'rows' ? BLOCK * cost : cost);
  }
  return cut(each, blocks, threads, undefined, workers);
}

/** Nanoseconds of an item. */
function costOf(kernel: KernelName, args: readonly unknown[]): number | undefined {
  // The compiler cannot see that the entry of a variable name takes the arguments of that very kernel.
  const cost = COSTS[kernel] as ((...args: readonly unknown[]) => number) | undefined;
  return cost === undefined ? undefined : Math.max(0.1, cost(...args));
}

function cut(
  each: number | undefined,
  count: number,
  threads: number,
  grain: number | undefined,
  workers: Workers,
): Plan {
  const worth = WORTH[workers];
  const least = grain ?? (each === undefined ? Infinity : worth.thread / each);
  const short = each !== undefined && count * each < STRETCH;
  if (least === Infinity) return { parts: 1, piece: Math.max(1, count), short };
  const parts = Math.max(1, Math.min(threads, Math.floor(count / Math.max(1, least))));
  const smallest = grain ?? worth.claim / each!;
  const largest = each === undefined ? Infinity : STRETCH / each;
  const even = parts === 1 ? largest : count / (parts * PIECES[workers]);
  const wanted = Math.max(smallest, Math.min(even, largest));
  const whole = wanted < GROUP ? Math.ceil(wanted) : Math.ceil(wanted / GROUP) * GROUP;
  return { parts, piece: Math.max(1, Math.min(count, whole)), short };
}
