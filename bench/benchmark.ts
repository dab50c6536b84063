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
  /** Of onnxruntime-node, beside the processor: 'webgpu', 'cuda'. */
  readonly provider: string | undefined;
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
  full: { minTime: 0.004, maxTime: 0.4, delay: 0.002 },
  toy: { minTime: 0.001, maxTime: 0.002, minSamples: 1, delay: 0 },
} as const;

/** The cases take turns, so that a slow minute of the machine is one of all of them. */
const ROUNDS = { full: 4, toy: 1 } as const;

/** Check, then time, every case of a benchmark. */
export async function time(benchmark: Benchmark, size: Size): Promise<readonly Timing[]> {
  await benchmark.check();
  const rounds: (readonly number[])[][] = benchmark.cases.map(() => []);
  for (let round = 1; round <= ROUNDS[size]; round++) {
    const results = await oneRound(benchmark, size, round);
    for (const [k, seconds] of results.entries()) rounds[k]!.push(seconds);
  }
  await benchmark.dispose?.();
  const perItem = 1e9 / benchmark.items;
  const found = rounds.map((of) => spread(of.flat()));
  const first = found[0]!;
  return benchmark.cases.map(({ name }, k) => {
    const { minimum, median, samples } = found[k]!;
    return {
      benchmark: benchmark.name,
      name,
      unit: benchmark.unit,
      minimum: minimum * perItem,
      median: median * perItem,
      samples,
      ratio: first.minimum / minimum,
      medianRatio: first.median / median,
      goal: k === found.length - 1 ? benchmark.goal : undefined,
    };
  });
}

/** Seconds of every sample, case by case. */
async function oneRound(
  { name, cases, samples = 20 }: Benchmark,
  size: Size,
  round: number,
): Promise<readonly (readonly number[])[]> {
  const rounds = ROUNDS[size];
  const options = size === 'toy' ? OPTIONS.toy : { ...OPTIONS.full, minSamples: Math.ceil(samples / rounds) };
  const summary = await benny.suite(
    rounds === 1 ? name : `${name} (round ${round} of ${rounds})`,
    ...cases.map((one) => benny.add(one.name, one.run)),
    benny.configure({ cases: options }),
  );
  return summary.results.map(({ details }) => details.sampleResults);
}

function spread(seconds: readonly number[]): { minimum: number; median: number; samples: number } {
  const sorted = [...seconds].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
  return { minimum: sorted[0]!, median, samples: sorted.length };
}
