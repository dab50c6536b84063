import type { ReportInput } from '../../cli/report/input.ts';
import type { HistoryEntry, IntervalEstimate, OutputIndices, SobolResult } from '../../estimators/index.ts';

export interface Made {
  readonly names?: readonly string[];
  /** Weights of the linear terms of the model y = sum a_i x_i + c x_0 x_1, x uniform on [-1, 1]. */
  readonly weights?: readonly number[];
  readonly cross?: number;
  readonly secondOrder?: boolean;
  readonly outputs?: readonly string[];
  /** Multiplies the weights of input i at output k. */
  readonly shape?: (i: number, k: number) => number;
  readonly replicates?: number;
  readonly constant?: boolean;
  readonly points?: number;
  /** Half-width of the intervals at the full number of points. */
  readonly half?: number;
}

/**
 * A result with the closed-form indices of a small polynomial, moved by a little fixed noise: what a run returns,
 * without a run.
 */
export function madeResult(made: Made = {}): SobolResult {
  const names = made.names ?? ['Q', 'Ks', 'Zv', 'Zm', 'Hd', 'Cb', 'L', 'B'];
  const outputNames = made.outputs ?? ['overflow'];
  const outputs = outputNames.map((name, k) => indicesOf(name, names, made, k));
  const points = made.points ?? 4096;
  const aggregated = outputs.length === 1 ? undefined : indicesOf('all', names, made, -1);
  const main = aggregated ?? outputs[0]!;
  const n = points;
  const x = uniforms(n * names.length);
  const estimate = {
    names: main.totalOrder.names,
    value: main.totalOrder.value,
    standardError: main.totalOrder.standardError,
  };
  return {
    estimate,
    sample: { points: x, shape: [n, names.length], logWeight: new Float64Array(n) },
    outcome: { kind: 'converged' },
    diagnostics: { ess: n, evaluations: 18 * n, warnings: [], done: 8, total: 8 },
    provenance: {
      seed: 7,
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
    history: historyOf(main, points, made),
    design: {
      kind: 'sobol',
      points,
      replicates: made.replicates ?? 8,
      completeReplicates: made.replicates ?? 8,
      rowsPerPoint: 18,
      evaluations: 18 * points,
      inputs: names,
      groups: names,
      interval: 'replicates',
      estimator: 'azzini',
      seed: 7,
    },
    base: { x, y: responses(x, n, names.length, made, outputNames.length), n },
    failures: [],
    failed: 0,
    dropped: 0,
  };
}

/** The same as what a report is made from. */
export function madeInput(made: Made = {}, more: Partial<ReportInput> = {}): ReportInput {
  const result = madeResult(made);
  return {
    result,
    model: 'flood.ts',
    modelHash: '9f2c41d07ab3',
    settings:
      'flood.ts, 8 inputs, 4096 base points in 8 scrambles, 73 728 model runs, seed 7, 95 % intervals',
    lead: [
      'Q alone explains 36 % of the variance of overflow, Hd 28 %.',
      'Interactions carry 3 %.',
      'L and B could be fixed anywhere: their total indices are below 0.0002.',
    ],
    warnings: [],
    inputs: result.design.inputs.map((name) => ({ name, law: 'uniform on [-1, 1]' })),
    outputs: result.outputs.map(({ name }) => ({ name, unit: 'm' })),
    command: 'npx ensample sobol flood.ts -n 4096 --second-order --seed 7',
    elapsed: 412,
    csv: csvOf(result),
    json: JSON.stringify({ S1: [...result.firstOrder.value], ST: [...result.totalOrder.value] }),
    ...more,
  };
}

function csvOf({ firstOrder, totalOrder }: SobolResult): string {
  const rows = totalOrder.names.map(
    (name, i) => `${JSON.stringify(name)},${firstOrder.value[i]},${totalOrder.value[i]}`,
  );
  return `input,S1,ST\n${rows.join('\n')}\n`;
}

/** Weights at output k; for k = -1 their root mean square, which gives the indices of the aggregate. */
function weightsOf(made: Made, d: number, k: number): number[] {
  const weights = made.weights ?? [1, 0.62, 0.72, 0.1, 0.88, 0.31, 0.001, 0.01];
  return Array.from({ length: d }, (_, i) => (weights[i] ?? 0.05) * shapeAt(made, i, k));
}

function crossOf(made: Made, d: number, k: number): number {
  return d > 1 ? (made.cross ?? 0.25) * shapeAt(made, 0, k) : 0;
}

function shapeAt(made: Made, i: number, k: number): number {
  const { shape, outputs = ['y'] } = made;
  if (shape === undefined) return 1;
  if (k >= 0) return shape(i, k);
  return Math.sqrt(outputs.reduce((sum, _, at) => sum + shape(i, at) ** 2, 0) / outputs.length);
}

function indicesOf(name: string, names: readonly string[], made: Made, k: number): OutputIndices {
  const weights = weightsOf(made, names.length, k);
  const cross = crossOf(made, names.length, k);
  const variance = made.constant ? 0 : weights.reduce((sum, w) => sum + w * w, 0) / 3 + (cross * cross) / 9;
  const pairShare = (cross * cross) / 9 / variance;
  const first = weights.map((w) => (w * w) / 3 / variance);
  const total = first.map((v, i) => (i < 2 ? v + pairShare : v));
  const level = 0.95;
  const pairs = names.flatMap((_, i) =>
    names.slice(i + 1).map((_, j): readonly [number, number] => [i, i + 1 + j]),
  );
  const make = (labels: readonly string[], values: readonly number[], salt: number): IntervalEstimate =>
    estimateOf(labels, values, made, salt, level, 1);
  return {
    name,
    firstOrder: make(names, first, 1),
    totalOrder: make(names, total, 2),
    secondOrder: made.secondOrder
      ? {
          ...make(
            pairs.map(([i, j]) => `${names[i]} x ${names[j]}`),
            pairs.map((_, p) => (p === 0 ? pairShare : 0)),
            3,
          ),
          pairs,
        }
      : undefined,
    superset: undefined,
    closed: undefined,
    closedTotal: undefined,
    meanDimension: make(['mean dimension'], [1 + pairShare], 4),
    interaction: make(['interaction'], [pairShare], 5),
    mean: made.constant ? 3.2 : -10.944,
    variance,
    constant: made.constant ?? false,
    largestShare: 0.001,
  };
}

/** Values moved by a part of their half-width, which `widen` multiplies. */
function estimateOf(
  names: readonly string[],
  values: readonly number[],
  made: Made,
  salt: number,
  level: number,
  widen: number,
): IntervalEstimate {
  const noise = uniforms(values.length, salt);
  const unknown = (made.replicates ?? 8) < 2;
  const at = (f: (v: number, i: number) => number): Float64Array =>
    Float64Array.from(values, (v, i) => (made.constant ? Number.NaN : f(v, i)));
  const half = (v: number): number =>
    widen * (made.half ?? 0.008) * Math.min(1, 0.02 + Math.sqrt(Math.abs(v)));
  const value = at((v, i) => v + 0.4 * half(v) * noise[i]!);
  return {
    names,
    value,
    standardError: at((v) => (unknown ? Number.NaN : half(v) / 2.365)),
    low: at((v, i) => (unknown ? Number.NaN : value[i]! - half(v))),
    high: at((v, i) => (unknown ? Number.NaN : value[i]! + half(v))),
    level,
  };
}

function historyOf(main: OutputIndices, points: number, made: Made): HistoryEntry[] {
  const out: HistoryEntry[] = [];
  for (let k = 5; k >= 0; k--) {
    const widen = 2 ** (0.9 * k);
    const { names } = main.totalOrder;
    out.push({
      points: points / 2 ** k,
      firstOrder:
        k === 0 ? main.firstOrder : estimateOf(names, [...main.firstOrder.value], made, 10 + k, 0.95, widen),
      totalOrder:
        k === 0 ? main.totalOrder : estimateOf(names, [...main.totalOrder.value], made, 20 + k, 0.95, widen),
    });
  }
  return out;
}

function responses(x: Float64Array, n: number, d: number, made: Made, outputs: number): Float64Array {
  const y = new Float64Array(n * outputs);
  for (let k = 0; k < outputs; k++) {
    const weights = weightsOf(made, d, k);
    const cross = crossOf(made, d, k);
    for (let i = 0; i < n; i++) {
      let sum = made.constant ? 3.2 : -10.944 + cross * x[i * d]! * (x[i * d + 1] ?? 0);
      if (!made.constant) for (let c = 0; c < d; c++) sum += weights[c]! * x[i * d + c]!;
      y[i * outputs + k] = sum;
    }
  }
  return y;
}

/** Numbers in [-1, 1): the fractional parts of multiples of an irrational number, well spread and always the same. */
function uniforms(n: number, salt = 0): Float64Array {
  let state = (0x9e3779b9 + salt * 0x85ebca6b) >>> 0;
  return Float64Array.from({ length: n }, () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0;
    return (((state ^ (state >>> 14)) >>> 0) / 2 ** 32) * 2 - 1;
  });
}
