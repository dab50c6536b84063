import type { Shader } from '../gpu/types.ts';

/**
 * WGSL: Philox4x32-10, bit-equal to the host's. `philox(counter, key)` gives the words 4b .. 4b + 3 of a stream, with
 * counter = (particle, step, b, purpose << 24 | sub).
 */
export const PHILOX = `
// High word of a product by 16-bit halves; every sum fits in 32 bits.
fn mul_high(a: u32, b: u32) -> u32 {
  let a0 = a & 0xffffu;
  let a1 = a >> 16u;
  let b0 = b & 0xffffu;
  let b1 = b >> 16u;
  let t1 = a1 * b0 + ((a0 * b0) >> 16u);
  let t2 = a0 * b1 + (t1 & 0xffffu);
  return a1 * b1 + (t1 >> 16u) + (t2 >> 16u);
}
fn philox(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
  var x = counter;
  var k = key;
  for (var round = 0u; round < 10u; round++) {
    let h0 = mul_high(0xd2511f53u, x.x);
    let h1 = mul_high(0xcd9e8d57u, x.z);
    x = vec4<u32>(h1 ^ x.y ^ k.x, 0xcd9e8d57u * x.z, h0 ^ x.w ^ k.y, 0xd2511f53u * x.x);
    k += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
  return x;
}
`;

/** Raw words of block `block` for particles first + i, i < items, into `words` [items, 4]. */
export const philoxWords: Shader<'words', 'k0' | 'k1' | 'first' | 'step' | 'block' | 'channel'> = {
  name: 'philoxWords',
  buffers: { words: 'write u32' },
  params: { k0: 'u32', k1: 'u32', first: 'u32', step: 'u32', block: 'u32', channel: 'u32' },
  per: 'item',
  code: `${PHILOX}
fn item(i: u32) {
  let w = philox(vec4<u32>(p.first + i, p.step, p.block, p.channel), vec2<u32>(p.k0, p.k1));
  for (var k = 0u; k < 4u; k++) { words[4u * i + k] = w[k]; }
}`,
};
