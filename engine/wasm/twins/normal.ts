import { log } from './elementary.ts';
import { philoxBlock, uniform64 } from './philox.ts';

/** Coefficients of PPND16 (Wichura 1988, algorithm AS 241), ascending powers. */
const A = [
  3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987,
  67265.7709270087, 33430.57558358813, 2509.0809287301227,
] as const;
const B = [
  1.0, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
  28729.085735721943, 5226.495278852854,
] as const;
const C = [
  1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
  0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
] as const;
const D = [
  1.0, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
  0.0005475938084995345, 1.0507500716444169e-9,
] as const;
const E = [
  6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
  0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
] as const;
const F = [
  1.0, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133,
  1.8463183175100548e-5, 1.421511758316446e-7, 2.0442631033899397e-15,
] as const;

type Coefficients = readonly [number, number, number, number, number, number, number, number];

function horner(c: Coefficients, r: number): number {
  return ((((((c[7] * r + c[6]) * r + c[5]) * r + c[4]) * r + c[3]) * r + c[2]) * r + c[1]) * r + c[0];
}

/**
 * Standard normal quantile, relative error <= 1.1e-15 for p in (0, 1); -Infinity at 0, Infinity at 1, NaN outside.
 * Source: Wichura (1988), AS 241, PPND16. The tail of the upper half uses 1 - p, exact on our grid of uniforms.
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (q >= -0.425 && q <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * horner(A, r)) / horner(B, r);
  }
  const tail = q < 0 ? p : 1 - p;
  if (!(tail > 0)) return tail === 0 ? (q < 0 ? -Infinity : Infinity) : Number.NaN;
  const r = Math.sqrt(-log(tail));
  const z = r <= 5 ? horner(C, r - 1.6) / horner(D, r - 1.6) : horner(E, r - 5) / horner(F, r - 5);
  return q < 0 ? -z : z;
}

const block = new Uint32Array(4);

/** Standard normals by inverse CDF of the uniforms that `uniform` would write at the same address. */
export function normal(
  out: Float64Array,
  d: number,
  k0: number,
  k1: number,
  first: number,
  step: number,
  channel: number,
  lo: number,
  hi: number,
): void {
  for (let i = lo; i < hi; i++) {
    const at = i * d;
    for (let c = 0; c < d; c += 2) {
      philoxBlock((first + i) >>> 0, step, c >>> 1, channel, k0, k1, block);
      out[at + c] = normalQuantile(uniform64(block[0]!, block[1]!));
      if (c + 1 < d) out[at + c + 1] = normalQuantile(uniform64(block[2]!, block[3]!));
    }
  }
}

/** Standard normal quantile of every element lo..hi-1 of `p` into `out` (may be `p`). */
export function normalQuantiles(p: Float64Array, out: Float64Array, lo: number, hi: number): void {
  for (let i = lo; i < hi; i++) out[i] = normalQuantile(p[i]!);
}
