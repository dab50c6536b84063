import { expect, test } from 'vitest';
import { view } from '../../engine/array/view.ts';
import { ShapeError } from '../../engine/errors.ts';

test('view(): element (i, j) of a row-major array, without a copy', () => {
  const data = Float64Array.of(0, 1, 2, 10, 11, 12);
  const matrix = view(data, [2, 3]);
  expect(matrix.get(1, 2)).toBe(12);
  expect(matrix.transpose(1, 0).get(2, 1)).toBe(12);
  matrix.set(0, 1, 7);
  expect(data[1]).toBe(7);
});

test('view(): a shape that does not fit names both counts', () => {
  expect(() => view(new Float64Array(6), [2, 2])).toThrow(/\[2, 2\] has 4 elements; expected 6/);
  expect(() => view(new Float64Array(6), [-2, -3])).toThrow(ShapeError);
});
