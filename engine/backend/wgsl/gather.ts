import type { Shader } from '../gpu/types.ts';

/**
 * Row ancestor[i] of `source` [n, d] to row i of `rows` [m, d], another array; one item a number of `rows` (m d).
 * Numbers travel as 32-bit words, so float32 and integers alike, and NaN keeps its bits.
 */
export const gatherRows: Shader<'source' | 'ancestor' | 'rows', 'd'> = {
  name: 'gatherRows',
  buffers: { source: 'read words', ancestor: 'read u32', rows: 'write words' },
  params: { d: 'u32' },
  per: 'item',
  code: `fn item(at: u32) {
  let i = at / p.d;
  rows[at] = source[ancestor[i] * p.d + (at - i * p.d)];
}`,
};
