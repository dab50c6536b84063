import type { Shader } from '../gpu/types.ts';
import { LIMBS } from './limbs.ts';
import { PHILOX } from './philox.ts';

/**
 * Where the slots of a particle end, bit for bit as the host finds it in float64 (engine/wasm/twins/resampling.ts):
 *
 *   r = m * (C / T)      a division and a product, each rounded to the nearest 53-bit number, ties to even
 *   O = floor(r + u)     a sum rounded in the same way
 *
 * from integers C <= T <= 2^53 and m < 2^32, and uniforms u = U 2^-53. Symbols:
 *
 *   C / T = a 2^-e       a has 53 bits; 1 + 4 digits of base 2^13, each guessed in float32 (right to one unit,
 *                        which the remainder then shows) and rounded by what remains; never a tie, whose odd
 *                        2a + 1 > 2^53 would divide C
 *   r = I + F 2^-54      F is cut, not rounded: above 1/2 it is exact, and below all that is asked of it is
 *                        a comparison with a multiple of 2^-54
 *   r + u                rounds up to J = floor(r + u) + 1 when it lies within half a spacing of the numbers below
 *                        J: 2^(k-53), with k = floor(log2 J), or half of that at a power of two; a tie goes to J,
 *                        whose last bit is 0
 */
const SHARE = `${LIMBS}
struct Share { whole: u32, part: vec2<u32> }
fn quotient(c: vec2<u32>, t: vec2<u32>) -> vec3<u32> {
  let divisor = left64(t, 54u - bits64(t));
  var rest = left64(c, 54u - bits64(c));
  var e = 52u + bits64(t) - bits64(c);
  if (less64(rest, divisor)) {
    rest = left64(rest, 1u);
    e += 1u;
  }
  rest = sub64(rest, divisor);
  var a = vec2<u32>(1u, 0u);
  let scale = 8192.0 / (f32(divisor.y) * 4294967296.0 + f32(divisor.x));
  for (var k = 0u; k < 4u; k++) {
    var digit = u32((f32(rest.y) * 4294967296.0 + f32(rest.x)) * scale);
    let low = times64(divisor.x, digit);
    rest = sub64(left64(rest, 13u), vec2<u32>(low.x, low.y + divisor.y * digit));
    // The difference is known to be small, so its wrapped sign is right.
    if (rest.y >= 0x80000000u) {
      rest = add64(rest, divisor);
      digit -= 1u;
    } else if (!less64(rest, divisor)) {
      rest = sub64(rest, divisor);
      digit += 1u;
    }
    a = add64(left64(a, 13u), vec2<u32>(digit, 0u));
  }
  let twice = left64(rest, 1u);
  if (less64(divisor, twice)) { a = add64(a, vec2<u32>(1u, 0u)); }
  return vec3<u32>(a, e);
}
fn shareOf(c: vec2<u32>, t: vec2<u32>, m: u32) -> Share {
  if (c.x == 0u && c.y == 0u) { return Share(0u, c); }
  if (c.x == t.x && c.y == t.y) { return Share(m, vec2<u32>(0u, 0u)); }
  let ratio = quotient(c, t);
  let low = times64(ratio.x, m);
  let high = add64(times64(ratio.y, m), vec2<u32>(low.y, 0u));
  var x = vec3<u32>(low.x, high.x, high.y);
  x = nearest53(x);
  let e = ratio.z;
  if (e == 53u) {
    x = vec3<u32>(x.x << 1u, (x.y << 1u) | (x.x >> 31u), (x.z << 1u) | (x.y >> 31u));
  } else {
    x = right96(x, e - 54u);
  }
  return Share((x.y >> 22u) | (x.z << 10u), vec2<u32>(x.x, x.y & 0x3fffffu));
}
// Of 53 to 85 bits to the nearest number of 53, ties to even.
fn nearest53(x: vec3<u32>) -> vec3<u32> {
  let drop = 32u + bits64(x.yz) - 53u;
  if (drop == 0u) { return x; }
  let mask = 0xffffffffu >> (32u - drop);
  let half = 1u << (drop - 1u);
  let low = x.x & mask;
  let odd = select((x.x >> (drop & 31u)) & 1u, x.y & 1u, drop == 32u);
  var y = vec3<u32>(x.x & ~mask, x.y, x.z);
  if (low > half || (low == half && odd == 1u)) {
    let step = select(vec2<u32>(1u << (drop & 31u), 0u), vec2<u32>(0u, 1u), drop == 32u);
    let sum = add64(y.xy, step);
    y = vec3<u32>(sum, y.z + select(0u, 1u, less64(sum, y.xy)));
  }
  return y;
}
fn right96(x: vec3<u32>, by: u32) -> vec3<u32> {
  if (by == 0u) { return x; }
  if (by >= 32u) { return vec3<u32>(right64(x.yz, by - 32u), 0u); }
  return vec3<u32>(right64(x.xy, by).x, right64(x.yz, by));
}
// floor(r + u) for r below m, at most one more than floor(r).
fn endOf(r: Share, u: vec2<u32>) -> u32 {
  let sum = add64(r.part, left64(u, 1u));
  let whole = r.whole + (sum.y >> 22u);
  let next = whole + 1u;
  let k = 31u - countLeadingZeros(next);
  let exponent = select(k + 1u, k, (next & whole) == 0u);
  let reach = add64(vec2<u32>(sum.x, sum.y & 0x3fffffu), left64(vec2<u32>(1u, 0u), exponent));
  return whole + (reach.y >> 22u);
}
fn cumulativeShare(i: u32) -> Share {
  return shareOf(vec2<u32>(cumulative[2u * i], cumulative[2u * i + 1u]), vec2<u32>(p.totalLow, p.totalHigh), p.m);
}
`;

/**
 * Ends O_i = min(m, floor(m C_i / T + u)) of systematic resampling, [n]; one item a particle. `uLow`, `uHigh` are the
 * limbs of u 2^53.
 */
export const systematicEnds: Shader<'cumulative' | 'end', 'totalLow' | 'totalHigh' | 'm' | 'uLow' | 'uHigh'> =
  {
    name: 'systematicEnds',
    buffers: { cumulative: 'read u32', end: 'write u32' },
    params: { totalLow: 'u32', totalHigh: 'u32', m: 'u32', uLow: 'u32', uHigh: 'u32' },
    per: 'item',
    code: `${SHARE}
fn item(i: u32) {
  let r = cumulativeShare(i);
  if (r.whole >= p.m) {
    end[i] = p.m;
  } else {
    end[i] = min(p.m, endOf(r, vec2<u32>(p.uLow, p.uHigh)));
  }
}`,
  };

/**
 * Ends O_i = min(k + 1, floor(r + u_k)), r = m C_i / T, k = min(m - 1, floor r), of stratified resampling, [n]; one item
 * a particle. `u` [2m] holds the limbs of u_k 2^53.
 */
export const stratifiedEnds: Shader<'cumulative' | 'u' | 'end', 'totalLow' | 'totalHigh' | 'm'> = {
  name: 'stratifiedEnds',
  buffers: { cumulative: 'read u32', u: 'read u32', end: 'write u32' },
  params: { totalLow: 'u32', totalHigh: 'u32', m: 'u32' },
  per: 'item',
  code: `${SHARE}
fn item(i: u32) {
  let r = cumulativeShare(i);
  if (r.whole >= p.m) {
    end[i] = p.m;
  } else {
    let k = r.whole;
    end[i] = min(k + 1u, endOf(r, vec2<u32>(u[2u * k], u[2u * k + 1u])));
  }
}`,
};

/**
 * Uniforms of `stratifiedEnds`: the limbs of u 2^53 = 2 K + 1, K of 52 bits, into `u` [2 items], u the first uniform of
 * particle i at this address, the very number of the host.
 */
export const stratumUniforms: Shader<'u', 'k0' | 'k1' | 'step' | 'channel'> = {
  name: 'stratumUniforms',
  buffers: { u: 'write u32' },
  params: { k0: 'u32', k1: 'u32', step: 'u32', channel: 'u32' },
  per: 'item',
  code: `${PHILOX}
fn item(i: u32) {
  let w = philox(vec4<u32>(i, p.step, 0u, p.channel), vec2<u32>(p.k0, p.k1));
  let low = (w.y >> 6u) | ((w.x >> 6u) << 26u);
  u[2u * i] = (low << 1u) | 1u;
  u[2u * i + 1u] = ((w.x >> 12u) << 1u) | (low >> 31u);
}`,
};

/**
 * Ancestor of each slot j < m: the first particle with `end` [n] above j; one item a slot. `end` is non-decreasing and
 * closes with m. Neighbouring slots take nearly the same path, and one heavy particle costs no more than many light ones.
 */
export const slotAncestors: Shader<'end' | 'ancestor', 'n'> = {
  name: 'slotAncestors',
  buffers: { end: 'read u32', ancestor: 'write u32' },
  params: { n: 'u32' },
  per: 'item',
  code: `fn item(slot: u32) {
  var low = 0u;
  var high = p.n - 1u;
  while (low < high) {
    let middle = low + (high - low) / 2u;
    if (end[middle] > slot) { high = middle; } else { low = middle + 1u; }
  }
  ancestor[slot] = low;
}`,
};
