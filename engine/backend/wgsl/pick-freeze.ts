import type { Shader } from '../gpu/types.ts';

/**
 * Rows of a pick-freeze design into `rows` [n, kinds, d], from base points `x` [n, width] that hold their matrices A, B
 * (and C) beside each other, width = matrices * d. `source` [kinds, d] says which number of the base point each number
 * of its rows is, see `pickFreezeSource`. Items = n * size, size = kinds * d.
 */
export const pickFreeze: Shader<'x' | 'source' | 'rows', 'width' | 'size'> = {
  name: 'pickFreeze',
  buffers: { x: 'read f32', source: 'read u32', rows: 'write f32' },
  params: { width: 'u32', size: 'u32' },
  per: 'item',
  code: 'fn item(i: u32) { rows[i] = x[(i / p.size) * p.width + source[i % p.size]]; }',
};

/** The `source` of the shader from the row program of the host kernel `pickFreeze`, [kinds, d]. */
export function pickFreezeSource(
  program: ArrayLike<number>,
  kinds: number,
  d: number,
): Uint32Array<ArrayBuffer> {
  const source = new Uint32Array(kinds * d);
  let word = 0;
  for (let kind = 0; kind < kinds; kind++) {
    const base = program[word]!;
    const from = program[word + 1]!;
    const taken = program[word + 2]!;
    for (let c = 0; c < d; c++) source[kind * d + c] = base * d + c;
    for (let k = 0; k < taken; k++) {
      const c = program[word + 3 + k]!;
      source[kind * d + c] = from * d + c;
    }
    word += 3 + taken;
  }
  return source;
}
