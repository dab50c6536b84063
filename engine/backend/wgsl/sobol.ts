import type { Shader } from '../gpu/types.ts';

/** Points a work item makes: the first from all bits of its index, the others by one direction number each. */
export const SOBOL_RUN = 8;

/**
 * WGSL: words of a Sobol' sequence in Gray-code order, bit-equal to the host's kernel `sobolWords`.
 *
 * Needs the buffers `directions` [32, width], number k of coordinate c at k * width + c, so that neighbouring lanes read
 * neighbours, and `scramble` [width, 4]; and the parameters width and mode (0 none, 1 hash form of Owen's scramble, 2
 * digital shift). `sobol_at(n, c)` is the bare word, `sobol_next(x, n, c)` that of point n + 1 from that of point n, and
 * `sobol_scrambled(x, w)` the word that goes out, w the four words of the coordinate.
 */
export const SOBOL = `
fn sobol_at(n: u32, c: u32) -> u32 {
  var x = 0u;
  for (var gray = n ^ (n >> 1u); gray != 0u; gray &= gray - 1u) {
    x ^= directions[countTrailingZeros(gray) * p.width + c];
  }
  return x;
}
fn sobol_next(x: u32, n: u32, c: u32) -> u32 {
  return x ^ directions[min(countTrailingZeros(n + 1u), 31u) * p.width + c];
}
fn sobol_scrambled(x: u32, w: vec4<u32>) -> u32 {
  if (p.mode == 0u) { return x; }
  if (p.mode == 2u) { return x ^ w.x; }
  var r = reverseBits(x) ^ w.x;
  r ^= r * (w.y & 0xfffffffeu);
  r = r * ((w.y >> 7u) | 1u) + w.z;
  r ^= r * (w.z & 0xfffffffeu);
  r = r * ((w.z >> 7u) | 1u) + w.w;
  r ^= r * (w.w & 0xfffffffeu);
  r = r * ((w.w >> 7u) | 1u) + w.x;
  return reverseBits(r);
}
fn sobol_words_of(c: u32) -> vec4<u32> {
  return vec4<u32>(scramble[4u * c], scramble[4u * c + 1u], scramble[4u * c + 2u], scramble[4u * c + 3u]);
}
`;

/** 32-bit points first .. first + n - 1 into `words` [n, width]; items = ceil(n / SOBOL_RUN) * width. */
export const sobolWords: Shader<'directions' | 'scramble' | 'words', 'width' | 'mode' | 'first' | 'n'> = {
  name: 'sobolWords',
  buffers: { directions: 'read u32', scramble: 'read u32', words: 'write u32' },
  params: { width: 'u32', mode: 'u32', first: 'u32', n: 'u32' },
  per: 'item',
  code: `${SOBOL}
fn item(i: u32) {
  let c = i % p.width;
  let start = (i / p.width) * ${SOBOL_RUN}u;
  let w = sobol_words_of(c);
  var x = sobol_at(p.first + start, c);
  for (var row = start; row < min(start + ${SOBOL_RUN}u, p.n); row++) {
    words[row * p.width + c] = sobol_scrambled(x, w);
    x = sobol_next(x, p.first + row, c);
  }
}`,
};

/** Direction numbers [dimension, 32] as the shaders read them, [32, dimension]. */
export function turnedDirections(directions: Uint32Array): Uint32Array<ArrayBuffer> {
  const dimension = directions.length / 32;
  return Uint32Array.from(
    directions,
    (_, i) => directions[32 * (i % dimension) + Math.floor(i / dimension)]!,
  );
}
