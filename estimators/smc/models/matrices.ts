import { show } from '../../../engine/check.ts';
import type { Rows } from '../../../engine/distribution/multivariate.ts';
import { OptionError } from '../../../engine/errors.ts';

/** A matrix as rows of numbers; a number stands for the matrix of one entry. */
export type MatrixLike = number | Rows;
/** A vector; a number stands for the vector of one entry. */
export type VectorLike = number | ArrayLike<number>;

/** Rows of a matrix. @throws OptionError unless it is a number or has a row. */
export function rowCount(where: string, option: string, matrix: MatrixLike): number {
  if (typeof matrix === 'number') return 1;
  if (Array.isArray(matrix) && matrix.length > 0) return matrix.length;
  throw new OptionError({
    where,
    option,
    value: matrix,
    found: `option \`${option}\` is ${show(matrix)}`,
    expected: 'a number, or an array of rows of numbers',
  });
}

/** @throws OptionError unless `matrix` has `rows` rows of `columns` finite numbers; returned row-major. */
export function readMatrix(
  where: string,
  option: string,
  matrix: MatrixLike,
  rows: number,
  columns: number,
): Float64Array {
  const given: Rows = typeof matrix === 'number' ? [[matrix]] : matrix;
  const expected = `${rows} ${rows === 1 ? 'row' : 'rows'} of ${columns} finite ${columns === 1 ? 'number' : 'numbers'}`;
  const fail = (found: string): never => {
    throw new OptionError({ where, option, value: matrix, found: `option \`${option}\` ${found}`, expected });
  };
  if (!Array.isArray(given)) return fail(`is ${show(matrix)}`);
  if (given.length !== rows) return fail(`has ${given.length} rows`);
  const flat = new Float64Array(rows * columns);
  given.forEach((row, i) => {
    if (row.length !== columns) fail(`has ${row.length} entries in row ${i}`);
    for (let j = 0; j < columns; j++) {
      if (!Number.isFinite(row[j])) fail(`has ${show(row[j])} at row ${i}, column ${j}`);
      flat[i * columns + j] = row[j]!;
    }
  });
  return flat;
}

/** @throws OptionError unless `vector` has `length` finite numbers. */
export function readVector(where: string, option: string, vector: VectorLike, length: number): Float64Array {
  const flat = typeof vector === 'number' ? Float64Array.of(vector) : Float64Array.from(vector);
  if (flat.length === length && flat.every(Number.isFinite)) return flat;
  const wrong = flat.findIndex((value) => !Number.isFinite(value));
  const found =
    flat.length === length
      ? `has ${flat[wrong]} at ${wrong}`
      : `has ${flat.length} ${flat.length === 1 ? 'number' : 'numbers'}`;
  throw new OptionError({
    where,
    option,
    value: vector,
    found: `option \`${option}\` ${found}`,
    expected: `${length} finite ${length === 1 ? 'number' : 'numbers'}`,
  });
}

/** @throws OptionError unless `matrix` is [d, d] and symmetric to rounding; the mean of it and its transpose. */
export function readSymmetric(where: string, option: string, matrix: MatrixLike, d: number): Float64Array {
  const flat = readMatrix(where, option, matrix, d, d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < i; j++) {
      const [low, high] = [flat[i * d + j]!, flat[j * d + i]!];
      const scale = Math.sqrt(Math.abs(flat[i * d + i]! * flat[j * d + j]!));
      if (Math.abs(low - high) > 1e-12 * scale) {
        throw new OptionError({
          where,
          option,
          value: matrix,
          found: `option \`${option}\` is ${low} at (${i}, ${j}) and ${high} at (${j}, ${i})`,
          expected: 'a symmetric matrix',
        });
      }
      flat[i * d + j] = flat[j * d + i] = (low + high) / 2;
    }
  }
  return flat;
}
