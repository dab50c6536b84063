import type { Shader } from '../gpu/types.ts';
import { PHILOX } from './philox.ts';

/** WGSL: the uniform (floor(w / 512) + 1/2) 2^-23 of a word, exact in float32, never 0 or 1, and 1 - u on the same grid. */
export const UNIFORM = `
fn uniform_word(w: u32) -> f32 { return (f32(w >> 9u) + 0.5) * 1.1920928955078125e-7; }
`;

/**
 * Uniforms of particles first + i into `out` [n, d]: component c is made of word `stride` * c of the stream.
 *
 * With stride 2 it is the device form of the host's 64-bit uniforms at the same address, equal to them to 2^-23: the form
 * that decisions take. With stride 1 it is the 32-bit path of float32 fields. A work item is a whole block of words, so
 * items = n * ceil(d * stride / 4).
 */
export const uniforms: Shader<'out', DrawParam | 'stride'> = {
  name: 'uniforms',
  buffers: { out: 'write f32' },
  params: {
    d: 'u32',
    k0: 'u32',
    k1: 'u32',
    first: 'u32',
    step: 'u32',
    channel: 'u32',
    stride: 'u32',
  },
  per: 'item',
  code: `${PHILOX}${UNIFORM}
fn item(i: u32) {
  let each = 4u / p.stride;
  let blocks = (p.d + each - 1u) / each;
  let row = i / blocks;
  let block = i % blocks;
  let w = philox(vec4<u32>(p.first + row, p.step, block, p.channel), vec2<u32>(p.k0, p.k1));
  for (var k = 0u; k < each; k++) {
    let c = block * each + k;
    if (c < p.d) { out[row * p.d + c] = uniform_word(w[k * p.stride]); }
  }
}`,
};

/** What addresses the draws of particles first .. at a step and channel under a key, d of them a particle. */
export type DrawParam = 'd' | 'k0' | 'k1' | 'first' | 'step' | 'channel';
