/**
 * Rows of a pick-freeze design: copies of a point of one base matrix with some columns from another.
 *
 * `matrices` holds base matrices [n, d], the first number of matrix m at m * size. `program` has, for each of the
 * `kinds` rows of a base point, the words: base matrix, source matrix, number of columns taken from the source, and
 * these columns. Base points lo..hi-1 into `rows` [n, kinds, d].
 */
export function pickFreeze(
  matrices: Float64Array,
  size: number,
  program: Uint32Array,
  kinds: number,
  d: number,
  rows: Float64Array,
  lo: number,
  hi: number,
): void {
  let at = lo * kinds * d;
  for (let i = lo; i < hi; i++) {
    let word = 0;
    for (let kind = 0; kind < kinds; kind++) {
      const base = program[word]! * size + i * d;
      const source = program[word + 1]! * size + i * d;
      const taken = program[word + 2]!;
      word += 3;
      for (let c = 0; c < d; c++) rows[at + c] = matrices[base + c]!;
      for (const end = word + taken; word < end; word++) {
        const c = program[word]!;
        rows[at + c] = matrices[source + c]!;
      }
      at += d;
    }
  }
}
