/**
 * exp and log from + - * / only, so that every host gives the same bits (Math.exp and Math.log may differ
 * between engines; IEEE basic operations do not). Same operations, in the same order, as the SIMD kernels.
 */
const ROUND = 6755399441055744; // 1.5 * 2^52: adding and subtracting it rounds to the nearest integer
const LOG2E = Math.LOG2E;
const LN2_HIGH = 0.6931471803691238; // 32 bits: k * LN2_HIGH is exact for |k| < 2^21
const LN2_LOW = 1.9082149292705877e-10;

const powers = /* @__PURE__ */ makePowers();
/** 2^k for k = -1022..1023 at index k + 1022. */
function makePowers(): Float64Array {
  const table = new Float64Array(2046);
  for (let k = -1022; k <= 1023; k++) table[k + 1022] = 2 ** k;
  return table;
}

/** e^x within 1 ulp (0.9 measured) for -708 <= x <= 709.78; 0 below -708 (subnormals are flushed); NaN above 709.78. */
export function exp(x: number): number {
  if (!(x >= -708)) return x < -708 ? 0 : Number.NaN;
  if (x > 709.782712893384) return x === Infinity ? Infinity : Number.NaN;
  const k = x * LOG2E + ROUND - ROUND;
  let r = x - k * LN2_HIGH;
  r = r - k * LN2_LOW;
  let p = 1 / 6227020800;
  p = p * r + 1 / 479001600;
  p = p * r + 1 / 39916800;
  p = p * r + 1 / 3628800;
  p = p * r + 1 / 362880;
  p = p * r + 1 / 40320;
  p = p * r + 1 / 5040;
  p = p * r + 1 / 720;
  p = p * r + 1 / 120;
  p = p * r + 1 / 24;
  p = p * r + 1 / 6;
  p = p * r + 0.5;
  p = p * r + 1;
  p = p * r + 1;
  return k > 1023 ? p * powers[2045]! * 2 : p * powers[k + 1022]!;
}

const bits = new Float64Array(1);
const words = new Uint32Array(bits.buffer);
const HIGH = /* @__PURE__ */ new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;

/** log x within 1.5 ulp (1.35 measured) for x > 0; -Infinity at 0, NaN below, Infinity at Infinity. */
export function log(x: number): number {
  if (!(x > 0) || x === Infinity) return x === 0 ? -Infinity : x > 0 ? x : Number.NaN;
  if (x < 2.2250738585072014e-308) return log(x * 4503599627370496) - 36.04365338911715;
  bits[0] = x;
  // Mantissa in [sqrt(1/2), sqrt 2): subtract the high word of sqrt(1/2) before taking the exponent.
  const e = (words[HIGH]! - 0x3fe6a09e) >> 20;
  words[HIGH] = words[HIGH]! - (e << 20);
  const m = bits[0]!;
  const s = (m - 1) / (m + 1);
  const z = s * s;
  let p = 2 / 21;
  p = p * z + 2 / 19;
  p = p * z + 2 / 17;
  p = p * z + 2 / 15;
  p = p * z + 2 / 13;
  p = p * z + 2 / 11;
  p = p * z + 2 / 9;
  p = p * z + 2 / 7;
  p = p * z + 2 / 5;
  p = p * z + 2 / 3;
  p = p * z * s;
  return e * LN2_HIGH + (e * LN2_LOW + (p + (s + s)));
}

/** e^x of elements lo..hi-1 of `x` into `out` (may be `x`), by `exp`. */
export function expInto(x: Float64Array, out: Float64Array, lo: number, hi: number): void {
  for (let i = lo; i < hi; i++) out[i] = exp(x[i]!);
}

/** log x of elements lo..hi-1 of `x` into `out` (may be `x`), by `log`. */
export function logInto(x: Float64Array, out: Float64Array, lo: number, hi: number): void {
  for (let i = lo; i < hi; i++) out[i] = log(x[i]!);
}
