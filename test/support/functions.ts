import { gumbel } from '../../engine/distribution/gumbel.ts';
import type { Law } from '../../engine/distribution/law.ts';
import { logNormal, logNormalFromMean } from '../../engine/distribution/log-normal.ts';
import { normal } from '../../engine/distribution/normal.ts';
import { triangular } from '../../engine/distribution/triangular.ts';
import { truncated } from '../../engine/distribution/truncated.ts';
import { uniform } from '../../engine/distribution/uniform.ts';
import { weibull } from '../../engine/distribution/weibull.ts';
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

/** a1.x + a2.sin x + a3.cos x + x'Mx of 15 standard normals. */
export function oakleyOHagan(): TestFunction {
  const known = entry('oakley_ohagan') as Entry & {
    readonly params: Readonly<Record<'a1' | 'a2' | 'a3', readonly number[]>> & {
      readonly M: readonly (readonly number[])[];
    };
  };
  const { a1, a2, a3, M } = known.params;
  return make(known.id, inputsOf(15, normal(0, 1)), (x) => {
    let y = 0;
    for (let i = 0; i < 15; i++) {
      let row = a1[i]!;
      for (let j = 0; j < 15; j++) row += M[i]![j]! * x[j]!;
      y += x[i]! * row + a2[i]! * Math.sin(x[i]!) + a3[i]! * Math.cos(x[i]!);
    }
    return y;
  });
}

/** Height of the water above the crest of a dyke. */
export function flood(): TestFunction {
  const inputs = {
    Q: truncated(gumbel(1013, 558), 500, 3000),
    Ks: truncated(normal(30, 8), 15),
    Zv: triangular(49, 50, 51),
    Zm: triangular(54, 55, 56),
    Hd: uniform(7, 9),
    Cb: triangular(55, 55.5, 56),
    L: triangular(4990, 5000, 5010),
    B: triangular(295, 300, 305),
  };
  return make('flood_8', inputs, (x) => {
    const [q, ks, zv, zm, hd, cb, l, b] = x as unknown as readonly number[];
    return zv! + (q! / (b! * ks! * Math.sqrt((zm! - zv!) / l!))) ** 0.6 - hd! - cb!;
  });
}

/** Deflection of a cantilever beam under two loads. */
export function beam(): TestFunction {
  const inputs = {
    FX: logNormalFromMean(556.8, 0.08),
    FY: logNormalFromMean(453.6, 0.08),
    E: logNormalFromMean(200, 0.06),
    w: normal(0.062, 0.0062),
    t: normal(0.0987, 0.00987),
    L: normal(4.29, 0.429),
  };
  return make('cantilever_beam', inputs, (x) => {
    const [fx, fy, e, w, t, l] = x as unknown as readonly number[];
    return ((4 * l! ** 3) / (1e9 * e! * w! * t!)) * Math.sqrt((fx! / w! ** 2) ** 2 + (fy! / t! ** 2) ** 2);
  });
}

/** X1 X2 + X3 + X4 / 2 with four different laws. */
export function mixed(): TestFunction {
  const inputs = { X1: normal(1, 0.5), X2: logNormal(0, 0.25), X3: triangular(0, 1, 4), X4: weibull(1.5, 2) };
  return make('mixed_distributions', inputs, (x) => x[0]! * x[1]! + x[2]! + 0.5 * x[3]!);
}
