import type { Stream } from '../../engine/random/rng.ts';
import type { KernelName } from '../../engine/wasm/kernels.ts';
import { address, count, type MakeCall, numbers, withSpecials, word } from './draws.ts';

/** Numbers as states are, or with values at the edges of float64 among them. */
function states(draw: Stream, n: number): number[] {
  return numbers(n, draw.below(2) === 0 ? draw.normal : withSpecials(draw, draw.normal));
}

/** Rows b, A, L of `affineNormal`, the last ones lower trapezoidal. */
function coefficients(draw: Stream, p: number, d: number, noise: number): number[] {
  return numbers((1 + p + noise) * d, draw.normal).map((value, at) => {
    const k = Math.floor(at / d) - 1 - p;
    return k > at % d ? 0 : value;
  });
}

export const AFFINE_CASES: { readonly [name in KernelName]?: MakeCall } = {
  affineNormal: (allocate, draw) => {
    // One dimension, which has a path of its own, in a third of the trials; more rows than those of a tile.
    const d = draw.below(3) === 0 ? 1 : count(draw, 6);
    const n = count(draw, Math.ceil(2500 / d));
    const p = draw.below(4) === 0 ? 0 : draw.below(3) === 0 ? count(draw, 4) : d;
    const noise = draw.below(2) === 0 ? d : draw.below(d + 1);
    const parent = allocate.f64(states(draw, n * p));
    const next = allocate.f64(numbers(n * d, draw.normal));
    const rows = allocate.f64(coefficients(draw, p, d, noise));
    return { args: [parent, p, next, d, noise, rows, ...address(draw), word(draw)], count: n };
  },
  affineLogDensity: (allocate, draw) => {
    const n = count(draw);
    const d = count(draw, 5);
    const k = draw.below(2) === 0 ? 1 : count(draw, 5);
    const x = allocate.f64(states(draw, n * d));
    const rows = allocate.f64(numbers((1 + d) * k, draw.normal));
    return { args: [x, d, rows, k, draw.normal(), allocate.f64(new Float64Array(n))], count: n };
  },
  volatilityLogDensity: (allocate, draw) => {
    const n = count(draw);
    const x = allocate.f64(states(draw, n));
    const y = draw.below(4) === 0 ? 0 : 10 ** (6 * draw.normal());
    return { args: [x, y, allocate.f64(new Float64Array(n))], count: n };
  },
};
