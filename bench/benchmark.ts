import benny from 'benny';

/** How big the inputs are: 'toy' only shows that a benchmark still runs. */
export type Size = 'full' | 'toy';

/** One way of doing a task. */
export interface Case {
  readonly name: string;
  run(): void | Promise<void>;
}

/** One task, timed in several ways; ratios are against the first of them. */
export interface Benchmark {
  readonly name: string;
  /** What is counted, in one word, and how many of it a run makes: times are given per item. */
  readonly unit: string;
  readonly items: number;
  readonly cases: readonly Case[];
  /** Fewest samples of a case at full size. Default 20; fewer where one takes half a second. */
  readonly samples?: number;
  /** How many times as fast as the first case the last one is meant to be. */
  readonly goal?: number;
  /** Throws when the cases do not give the right answer. Runs before any timing, and compiles and warms up. */
  check(): void | Promise<void>;
  /** Gives back what the cases hold. */
  dispose?(): void | Promise<void>;
}

/** What was asked for on the command line. */
export interface Flags {
  /** Whether a software adapter may stand in for a graphics card. */
  readonly software: boolean;
}

/** What a file bench/<area>.bench.ts exports under the name `benchmarks`. */
export type MakeBenchmarks = (
  size: Size,
  flags: Flags,
) => Promise<readonly Benchmark[]> | readonly Benchmark[];

/** What an area has to say about its timings. */
export interface Remarks {
  /** Name of the file of results; default: that of the area. */
  readonly file?: string;
  /** Kept in the file of results. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Printed below the table. */
  readonly lines: readonly string[];
}

/** What a file bench/<area>.bench.ts may export under the name `remarks`. */
export type MakeRemarks = (timings: readonly Timing[], size: Size) => Remarks;

/** Times of one case in nanoseconds per item. */
export interface Timing {
  readonly benchmark: string;
  readonly name: string;
  readonly unit: string;
  readonly minimum: number;
  readonly median: number;
  readonly samples: number;
  /** Times as fast as the first case, by minima and by medians. */
  readonly ratio: number;
  readonly medianRatio: number;
  readonly goal: number | undefined;
}

const OPTIONS = {
  // Short samples, so that on a busy machine some of them are undisturbed.
  full: { minTime: 0.004, maxTime: 1.5, delay: 0.002 },
  toy: { minTime: 0.001, maxTime: 0.002, minSamples: 1, delay: 0 },
} as const;

/** Check, then time, every case of a benchmark. */
export async function time(benchmark: Benchmark, size: Size): Promise<readonly Timing[]> {
  await benchmark.check();
  const entries = benchmark.cases.map(({ name, run }) => benny.add(name, run));
  const { samples = 20 } = benchmark;
  const cases = size === 'toy' ? OPTIONS.toy : { ...OPTIONS.full, minSamples: samples };
  const summary = await benny.suite(benchmark.name, ...entries, benny.configure({ cases }));
  await benchmark.dispose?.();
  const perItem = 1e9 / benchmark.items;
  const first = summary.results[0]!.details;
  return summary.results.map(({ name, details, samples }, k) => ({
    benchmark: benchmark.name,
    name,
    unit: benchmark.unit,
    minimum: details.min * perItem,
    median: details.median * perItem,
    samples,
    ratio: first.min / details.min,
    medianRatio: first.median / details.median,
    goal: k === summary.results.length - 1 ? benchmark.goal : undefined,
  }));
}
