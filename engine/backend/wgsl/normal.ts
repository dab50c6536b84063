import type { Shader } from '../gpu/types.ts';
import { elementary } from './elementary.ts';
import { PHILOX } from './philox.ts';
import type { DrawParam } from './uniform.ts';

/**
 * WGSL: normal quantiles in float32 by AS 241, PPND7. Needs `e_log`.
 *
 * `normal_size(tail, inner)` is |z| for the smaller tail probability and inner = 1/2 - tail, each with its own relative
 * accuracy, so that neither the middle nor the tails lose digits.
 *
 * `normal_words(w0, w1)` is the normal of the host's 64-bit uniform of two words. Departure from the rule that float32
 * fields use 32-bit uniforms: the tail probability is read from both words (by symmetry of the grid that of the upper
 * half is the complement), so a device normal is the host's within 1e-5 everywhere, tails to 8.2 included, where the
 * 32-bit uniforms end at 5.3.
 * Source: Wichura (1988), AS 241.
 */
export const NORMAL = `
fn normal_size(tail: f32, inner: f32) -> f32 {
  if (inner <= 0.425) {
    let r = 0.180625 - inner * inner;
    return inner * (((59.10937472 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179)
      / (((67.1875636 * r + 78.757757664) * r + 17.895169469) * r + 1.0);
  }
  let r = sqrt(-e_log(tail));
  if (r <= 5.0) {
    let s = r - 1.6;
    return (((0.17023821103 * s + 1.3067284816) * s + 2.75681539) * s + 1.4234372777)
      / ((0.12021132975 * s + 0.7370016425) * s + 1.0);
  }
  let s = r - 5.0;
  return (((0.017337203997 * s + 0.42868294337) * s + 3.081226386) * s + 6.657905115)
    / ((0.012258202635 * s + 0.24197894225) * s + 1.0);
}
fn normal_words(w0: u32, w1: u32) -> f32 {
  let upper = w0 >= 0x80000000u;
  let a = select(w0, ~w0, upper) >> 6u;
  let b = (f32(select(w1, ~w1, upper) >> 6u) + 0.5) * 1.4901161193847656e-8;
  let tail = (f32(a) + b) * 1.4901161193847656e-8;
  let inner = (f32(0x2000000u - a) - b) * 1.4901161193847656e-8;
  let z = normal_size(tail, inner);
  return select(-z, z, upper);
}
`;

/**
 * WGSL: `normal_pair(particle, step, pair, channel, key)`, components 2 pair and 2 pair + 1 of the normals at an address.
 * Needs `PHILOX` and `NORMAL`.
 */
export const NORMAL_PAIR = `
fn normal_pair(particle: u32, step: u32, pair: u32, channel: u32, key: vec2<u32>) -> vec2<f32> {
  let w = philox(vec4<u32>(particle, step, pair, channel), key);
  return vec2<f32>(normal_words(w.x, w.y), normal_words(w.z, w.w));
}
`;

/**
 * Standard normals of particles first + i into `out` [n, d], those of the host's kernel `normal` at the same address
 * within 1e-5. A work item is a pair of components, so items = n * ceil(d / 2).
 */
export const normals: Shader<'out', DrawParam> = {
  name: 'normals',
  buffers: { out: 'write f32' },
  params: { d: 'u32', k0: 'u32', k1: 'u32', first: 'u32', step: 'u32', channel: 'u32' },
  per: 'item',
  code: `${elementary('e_log')}${PHILOX}${NORMAL}${NORMAL_PAIR}
fn item(i: u32) {
  let pairs = (p.d + 1u) / 2u;
  let row = i / pairs;
  let c = 2u * (i % pairs);
  let z = normal_pair(p.first + row, p.step, c / 2u, p.channel, vec2<u32>(p.k0, p.k1));
  out[row * p.d + c] = z.x;
  if (c + 1u < p.d) { out[row * p.d + c + 1u] = z.y; }
}`,
};
