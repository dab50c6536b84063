/**
 * WGSL: unsigned 64-bit integers as vec2<u32>(low, high), for a card that has only 32 bits.
 * Sums and differences wrap; shifts are by 0..63.
 */
export const LIMBS = `
fn add64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  let low = a.x + b.x;
  return vec2<u32>(low, a.y + b.y + select(0u, 1u, low < a.x));
}
fn sub64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return vec2<u32>(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x));
}
fn less64(a: vec2<u32>, b: vec2<u32>) -> bool {
  return a.y < b.y || (a.y == b.y && a.x < b.x);
}
fn bits64(a: vec2<u32>) -> u32 {
  return select(32u - countLeadingZeros(a.x), 64u - countLeadingZeros(a.y), a.y != 0u);
}
fn left64(a: vec2<u32>, by: u32) -> vec2<u32> {
  if (by == 0u) { return a; }
  if (by >= 32u) { return vec2<u32>(0u, a.x << (by - 32u)); }
  return vec2<u32>(a.x << by, (a.y << by) | (a.x >> (32u - by)));
}
fn right64(a: vec2<u32>, by: u32) -> vec2<u32> {
  if (by == 0u) { return a; }
  if (by >= 32u) { return vec2<u32>(a.y >> (by - 32u), 0u); }
  return vec2<u32>((a.x >> by) | (a.y << (32u - by)), a.y >> by);
}
// The product of two 32-bit integers, by 16-bit halves.
fn times64(a: u32, b: u32) -> vec2<u32> {
  let a0 = a & 0xffffu;
  let a1 = a >> 16u;
  let b0 = b & 0xffffu;
  let b1 = b >> 16u;
  let low = a0 * b0;
  let t1 = a1 * b0 + (low >> 16u);
  let t2 = a0 * b1 + (t1 & 0xffffu);
  return vec2<u32>((t2 << 16u) | (low & 0xffffu), a1 * b1 + (t1 >> 16u) + (t2 >> 16u));
}
// The integer held by a float64 that is one, at most 2^53, from its bits.
fn integer64(bits: vec2<u32>) -> vec2<u32> {
  if (bits.y == 0u) { return vec2<u32>(0u, 0u); }
  let exponent = (bits.y >> 20u) - 1023u;
  let significand = vec2<u32>(bits.x, (bits.y & 0xfffffu) | 0x100000u);
  if (exponent > 52u) { return left64(significand, exponent - 52u); }
  return right64(significand, 52u - exponent);
}
`;

/** Integers at most 2^53 as the pairs (low, high) that `LIMBS` works on, [2n]. */
export function toLimbs(values: ArrayLike<number>): Uint32Array<ArrayBuffer> {
  const limbs = new Uint32Array(2 * values.length);
  for (let i = 0; i < values.length; i++) {
    limbs[2 * i] = values[i]!;
    limbs[2 * i + 1] = values[i]! / 4294967296;
  }
  return limbs;
}

/** What `toLimbs` was given. */
export function fromLimbs(limbs: Uint32Array): Float64Array<ArrayBuffer> {
  return Float64Array.from(
    { length: limbs.length / 2 },
    (_, i) => limbs[2 * i]! + 4294967296 * limbs[2 * i + 1]!,
  );
}
