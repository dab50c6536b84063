import type { Law } from '../../engine/distribution/law.ts';
import { uniform } from '../../engine/distribution/uniform.ts';
import type { BatchFn } from '../../engine/types.ts';
import reference from '../reference/sobol-functions.json' with { type: 'json' };

/** A test function with exact indices. */
export interface TestFunction {
  readonly id: string;
  readonly inputs: Readonly<Record<string, Law>>;
  readonly model: BatchFn;
  readonly mean: number;
  readonly variance: number;
  readonly first: readonly number[];
  readonly total: readonly number[];
  /** In the order (0,1), (0,2), ..; undefined where none are known. */
  readonly pairs: readonly number[] | undefined;
  /** Closed indices by 1-based columns, '1,3'. */
  readonly closed: Readonly<Record<string, number>>;
}

interface Entry {
  readonly id: string;
  readonly d: number;
  readonly mean: number;
  readonly variance: number;
  readonly S1: readonly number[];
  readonly ST: readonly number[];
  readonly S2?: Readonly<Record<string, number>>;
  readonly closed?: Readonly<Record<string, number>>;
}

/** A function of one point as a batch. */
export function batchOf(f: (x: Float64Array) => number, d: number): BatchFn {
  return (x, out) => {
    for (let i = 0; i < out.length; i++) out[i] = f(x.subarray(i * d, (i + 1) * d));
  };
}

/** The same law for d inputs x1 .. xd. */
export function inputsOf(d: number, law: Law): Record<string, Law> {
  return Object.fromEntries(Array.from({ length: d }, (_, i) => [`x${i + 1}`, law]));
}

/** sin x1 + a sin^2 x2 + b x3^4 sin x1. */
export function ishigamiAt(x: ArrayLike<number>, a = 7, b = 0.1): number {
  const s = Math.sin(x[0]!);
  return s + a * Math.sin(x[1]!) ** 2 + b * x[2]! ** 4 * s;
}

function entry(id: string): Entry {
  const found = (reference.functions as unknown as readonly Entry[]).find((f) => f.id === id);
  if (found === undefined) throw new Error(`no reference function ${id}`);
  return found;
}

function make(id: string, inputs: Record<string, Law>, f: (x: Float64Array) => number): TestFunction {
  const known = entry(id);
  const d = known.d;
  const pairs: number[] = [];
  for (let j = 1; j <= d; j++) for (let k = j + 1; k <= d; k++) pairs.push(known.S2?.[`${j},${k}`] ?? 0);
  return {
    id,
    inputs,
    model: batchOf(f, d),
    mean: known.mean,
    variance: known.variance,
    first: known.S1,
    total: known.ST,
    pairs: known.S2 === undefined ? undefined : pairs,
    closed: known.closed ?? {},
  };
}

export function ishigami(): TestFunction {
  return make('ishigami', inputsOf(3, uniform(-Math.PI, Math.PI)), (x) => ishigamiAt(x));
}

export function ishigamiFlat(): TestFunction {
  return make('ishigami_b005', inputsOf(3, uniform(-Math.PI, Math.PI)), (x) => ishigamiAt(x, 7, 0.05));
}

/** prod (|4 x_i - 2| + a_i) / (1 + a_i). */
export function gFunction(id: 'sobol_g_8' | 'sobol_g_6' | 'sobol_g_20'): TestFunction {
  const { d, params } = entry(id) as Entry & { readonly params: { readonly a: readonly number[] } };
  return make(id, inputsOf(d, uniform(0, 1)), (x) => {
    let product = 1;
    for (let i = 0; i < d; i++) product *= (Math.abs(4 * x[i]! - 2) + params.a[i]!) / (1 + params.a[i]!);
    return product;
  });
}

export function linear(): TestFunction {
  return make(
    'linear_5',
    inputsOf(5, uniform(0, 1)),
    (x) => 5 * x[0]! + 4 * x[1]! + 3 * x[2]! + 2 * x[3]! + x[4]!,
  );
}

export function wingWeight(): TestFunction {
  const ranges: Readonly<Record<string, readonly [number, number]>> = {
    Sw: [150, 200],
    Wfw: [220, 300],
    A: [6, 10],
    Lambda: [-10, 10],
    q: [16, 45],
    lambda: [0.5, 1],
    tc: [0.08, 0.18],
    Nz: [2.5, 6],
    Wdg: [1700, 2500],
    Wp: [0.025, 0.08],
  };
  const inputs = Object.fromEntries(
    Object.entries(ranges).map(([name, [low, high]]) => [name, uniform(low, high)]),
  );
  return make('wing_weight', inputs, (x) => {
    const [sw, wfw, a, sweep, q, lambda, tc, nz, wdg, wp] = x as unknown as readonly number[];
    const c = Math.cos((sweep! * Math.PI) / 180);
    const product =
      0.036 *
      sw! ** 0.758 *
      wfw! ** 0.0035 *
      (a! / (c * c)) ** 0.6 *
      q! ** 0.006 *
      lambda! ** 0.04 *
      ((100 * tc!) / c) ** -0.3 *
      (nz! * wdg!) ** 0.49;
    return product + sw! * wp!;
  });
}
