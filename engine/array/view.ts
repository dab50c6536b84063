import ndarray from 'ndarray';
import { ShapeError } from '../errors.ts';

/** A view of `data` with a shape: `view.get(i, j)`, `view.transpose(1, 0)`, `view.pick(i, null)`. */
export type View<T extends Float64Array | Float32Array | Uint32Array | Int32Array | Uint8Array> =
  ndarray.NdArray<T>;

/**
 * The array `data` seen as row-major [shape[0], shape[1], ...]. Nothing is copied: writing through the view
 * writes to `data`.
 * @throws ShapeError when the shape does not have as many elements as `data`.
 */
export function view<T extends Float64Array | Float32Array | Uint32Array | Int32Array | Uint8Array>(
  data: T,
  shape: readonly number[],
): View<T> {
  const size = shape.reduce((product, length) => product * length, 1);
  if (size !== data.length || shape.some((length) => !Number.isInteger(length) || length < 0)) {
    throw new ShapeError({
      where: 'view',
      found: `the shape [${shape.join(', ')}] has ${size} elements`,
      expected: `${data.length}, the length of the array`,
    });
  }
  return ndarray(data, [...shape]);
}
