import type {
  IntervalEstimate,
  OutputIndices,
  PairEstimate,
  SobolResult,
  Warning,
} from '../../estimators/index.ts';

const STUDENT_7 = 2.3646242515927849; // 97.5 % quantile of Student's t with 7 degrees of freedom

/** An estimate with symmetric 95 % intervals. */
export function estimate(
  names: readonly string[],
  value: readonly number[],
  half: readonly number[],
): IntervalEstimate {
  return {
    names,
    value: Float64Array.from(value),
    standardError: Float64Array.from(half, (h) => h / STUDENT_7),
    low: Float64Array.from(value, (v, i) => v - half[i]!),
    high: Float64Array.from(value, (v, i) => v + half[i]!),
    level: 0.95,
  };
}

export interface Made {
  readonly output?: string;
  readonly names: readonly string[];
  readonly first: readonly number[];
  readonly total: readonly number[];
  readonly half: readonly number[];
  readonly pairs?: readonly { readonly value: number; readonly half: number }[];
  readonly interaction?: readonly [value: number, half: number];
  readonly mean?: number;
  readonly variance?: number;
  readonly constant?: boolean;
}

function pairEstimate(made: Made): PairEstimate | undefined {
  const { names, pairs } = made;
  if (pairs === undefined) return undefined;
  const ends: (readonly [number, number])[] = [];
  for (let i = 0; i < names.length; i++) for (let j = i + 1; j < names.length; j++) ends.push([i, j]);
  const labels = ends.map(([i, j]) => `${names[i]} x ${names[j]}`);
  const numbers = estimate(
    labels,
    pairs.map((p) => p.value),
    pairs.map((p) => p.half),
  );
  return { ...numbers, pairs: ends };
}

/** Indices of one output from plain numbers. */
export function indices(made: Made): OutputIndices {
  const [gap, half] = made.interaction ?? [1 - made.first.reduce((a, b) => a + b, 0), 0.001];
  return {
    name: made.output ?? 'y',
    firstOrder: estimate(made.names, made.first, made.half),
    totalOrder: estimate(made.names, made.total, made.half),
    secondOrder: pairEstimate(made),
    superset: undefined,
    closed: undefined,
    closedTotal: undefined,
    meanDimension: estimate(['mean dimension'], [made.total.reduce((a, b) => a + b, 0)], [0.001]),
    interaction: estimate(['interaction'], [gap], [half]),
    mean: made.mean ?? 0,
    variance: made.variance ?? 1,
    constant: made.constant ?? false,
    largestShare: 0.001,
  };
}

/** A result around the indices of one or more outputs. */
export function result(
  outputs: readonly OutputIndices[],
  change: { readonly design?: Partial<SobolResult['design']>; readonly warnings?: readonly Warning[] } = {},
  aggregated?: OutputIndices,
): SobolResult {
  const main = aggregated ?? outputs[0]!;
  const names = main.totalOrder.names;
  const rowsPerPoint = names.length + 2;
  const design = {
    kind: 'sobol' as const,
    points: 16384,
    replicates: 8,
    completeReplicates: 8,
    rowsPerPoint,
    evaluations: 16384 * rowsPerPoint,
    inputs: names,
    groups: names,
    interval: 'replicates' as const,
    estimator: 'saltelli, jansen',
    seed: 7,
    ...change.design,
  };
  const total = design.points * rowsPerPoint;
  return {
    estimate: main.totalOrder,
    sample: { points: new Float64Array(0), shape: [0, names.length], logWeight: new Float64Array(0) },
    outcome: { kind: 'converged' },
    diagnostics: {
      ess: design.points,
      evaluations: design.evaluations,
      warnings: change.warnings ?? [],
      done: design.evaluations,
      total,
    },
    provenance: {
      seed: design.seed,
      backend: 'wasm',
      adapter: 'WASM SIMD, 2 threads',
      precision: 'float64',
      version: '0.1.0',
      notes: [],
    },
    firstOrder: main.firstOrder,
    totalOrder: main.totalOrder,
    secondOrder: main.secondOrder,
    outputs,
    aggregated,
    history: [],
    design,
    base: { x: new Float64Array(0), y: new Float64Array(0), n: 0 },
    failures: [],
    failed: 0,
    dropped: 0,
  };
}

/** The flood model of the specification, indices as its own table shows them. */
export const flood: OutputIndices = indices({
  output: 'overflow',
  names: ['Q', 'Ks', 'Zv', 'Zm', 'Hd', 'Cb', 'L', 'B'],
  first: [0.34494, 0.13391, 0.18972, 0.00345, 0.28396, 0.0355, 0.00001, 0.00003],
  total: [0.35366, 0.1424, 0.19005, 0.00379, 0.28397, 0.0355, 0.00002, 0.00008],
  half: [0.00025, 0.0002, 0.00031, 0.00004, 0.0003, 0.00007, 0.00002, 0.00009],
  pairs: Array.from({ length: 28 }, (_, i) =>
    i === 0 ? { value: 0.0082, half: 0.0009 } : { value: 0.0001 * ((i % 3) - 1), half: 0.0009 },
  ),
  interaction: [0.008, 0.0009],
  mean: -10.944,
  variance: 1.083 ** 2,
});
