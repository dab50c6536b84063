import type { Arena, Backend } from '../../engine/backend/backend.ts';
import { checkPointMemory, MOST_BYTES } from '../../engine/check.ts';

/**
 * Outputs of a design by column: y[(s * rows + j) * stride + p] is output s at row j of base point p, where p counts
 * replicate after replicate. A column is contiguous, so kernels stream it.
 */
export interface Columns {
  readonly y: Float64Array;
  /** Outputs of the model. */
  readonly outputs: number;
  /** Rows a base point costs, as many columns an output. */
  readonly rows: number;
  /** Base points there is room for. */
  readonly stride: number;
}

/** Columns with the base inputs, room for `replicates` times `perReplicate` base points. */
export interface Store extends Columns {
  readonly kind: 'columns';
  readonly arena: Arena;
  readonly perReplicate: number;
  /** Inputs of the A rows [stride, d]. */
  readonly x: Float64Array;
  /** Base points whose row failed, 1 each; empty until one does. */
  readonly dropped: Uint8Array;
}

/** What decides how much memory a design takes. */
export interface StoreShape {
  readonly outputs: number;
  readonly rows: number;
  readonly dimension: number;
  readonly replicates: number;
  readonly perReplicate: number;
}

function bytesPerPoint(shape: StoreShape): number {
  return 8 * (shape.rows * shape.outputs + shape.dimension);
}

/** Whether a design fits into memory. */
export function fits(shape: StoreShape): boolean {
  return shape.replicates * shape.perReplicate * bytesPerPoint(shape) <= MOST_BYTES;
}

/**
 * Memory that a design keeps, checked before it is taken.
 * @throws OptionError when it is more than fits.
 */
export function checkMemory(where: string, shape: StoreShape): void {
  checkPointMemory(where, shape.replicates * shape.perReplicate, bytesPerPoint(shape));
}

/** Room for a design. */
export function openStore(backend: Backend, shape: StoreShape): Store {
  const { outputs, rows, dimension, replicates, perReplicate } = shape;
  const stride = replicates * perReplicate;
  const arena = backend.arena();
  const y = arena.f64(outputs * rows * stride);
  return {
    kind: 'columns',
    y,
    outputs,
    rows,
    stride,
    arena,
    perReplicate,
    x: new Float64Array(stride * dimension),
    dropped: new Uint8Array(stride),
  };
}

/** Copy the first `n[r]` base points of each replicate r from one store to another of the same outputs. */
export function copyStore(from: Store, to: Store, n: ArrayLike<number>): void {
  const d = from.x.length / from.stride;
  for (let r = 0; r < n.length; r++) {
    const source = r * from.perReplicate;
    const target = r * to.perReplicate;
    for (let c = 0; c < from.outputs * from.rows; c++) {
      const column = from.y.subarray(c * from.stride + source, c * from.stride + source + n[r]!);
      to.y.set(column, c * to.stride + target);
    }
    to.x.set(from.x.subarray(source * d, (source + n[r]!) * d), target * d);
    to.dropped.set(from.dropped.subarray(source, source + n[r]!), target);
  }
}

/** A run of base points. */
export interface Segment {
  readonly from: number;
  readonly n: number;
}

/** The base points of some segments that were not dropped, next to each other; in memory of `arena`. */
export function gatherColumns(store: Store, segments: readonly Segment[], arena: Arena): Columns {
  const kept: number[] = [];
  for (const { from, n } of segments) {
    for (let p = from; p < from + n; p++) if (store.dropped[p] === 0) kept.push(p);
  }
  const stride = kept.length;
  const y = arena.f64(store.outputs * store.rows * stride);
  for (let c = 0; c < store.outputs * store.rows; c++) {
    const source = c * store.stride;
    const target = c * stride;
    for (let i = 0; i < stride; i++) y[target + i] = store.y[source + kept[i]!]!;
  }
  return { y, outputs: store.outputs, rows: store.rows, stride };
}
