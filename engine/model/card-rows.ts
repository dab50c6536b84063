import type { Backend } from '../backend/backend.ts';
import type { Gpu, GpuArena, GpuArray } from '../backend/gpu/types.ts';
import type { BoundKernel } from '../backend/kernel/types.ts';
import type { RowFailure } from '../pool/evaluate-rows.mjs';
import { growing, type Rows } from './host-rows.ts';

/** Rows of a batch that go to the card at a time, at most: memory of tens of megabytes. */
const MOST_ROWS = 2 ** 18;

/** A kernel on a card. */
export interface CardKernel {
  readonly gpu: Gpu;
  readonly bound: BoundKernel;
  /** Numbers in a point and numbers it returns. */
  readonly dims: number;
  readonly outputs: number;
}

/**
 * Rows on the card: inputs rounded to float32 go there, outputs come back and are widened. Batches of more rows than
 * its arrays hold are split. Owns the kernel.
 */
export function cardRows(
  card: CardKernel,
  outputs: readonly string[],
  backend: Backend,
  signal: AbortSignal,
  unchecked = false,
): Rows {
  const { gpu, bound, dims, outputs: k } = card;
  const most = Math.min(MOST_ROWS, Math.floor(gpu.limits.arrayBytes / (4 * Math.max(dims, k))));
  const buffer = growing(backend);
  let room: Room | undefined;
  const roomFor = (n: number): Room => {
    if (room !== undefined && room.rows >= n) return room;
    room?.arena.release();
    room = openRoom(gpu, n, dims, k);
    return room;
  };
  return {
    outputs,
    async evaluate(x, n) {
      const y = buffer.room(n * k);
      const failed: RowFailure[] = [];
      for (let from = 0; from < n; from += most) {
        signal.throwIfAborted();
        const count = Math.min(most, n - from);
        const there = roomFor(count);
        there.points.set(x.subarray(from * dims, (from + count) * dims));
        gpu.write(there.x, there.points.subarray(0, count * dims));
        bound.run(there.x, there.y, count);
        y.set(await gpu.read(there.y, 0, count * k), from * k);
        if (!unchecked) failed.push(...failedRows(y, from, count, k));
      }
      return { y, failed };
    },
    release() {
      room?.arena.release();
      room = undefined;
      bound.release();
      buffer.release();
    },
  };
}

/** Arrays for some rows, here and there. */
interface Room {
  readonly rows: number;
  readonly points: Float32Array;
  readonly x: GpuArray<'f32'>;
  readonly y: GpuArray<'f32'>;
  readonly arena: GpuArena;
}

function openRoom(gpu: Gpu, rows: number, dims: number, k: number): Room {
  const arena = gpu.arena();
  const points = new Float32Array(rows * dims);
  return { rows, points, x: arena.f32(rows * dims), y: arena.f32(rows * k), arena };
}

/** Rows from .. from + count - 1 whose outputs are not all finite; they become NaN. */
function failedRows(y: Float64Array, from: number, count: number, k: number): readonly RowFailure[] {
  const failed: RowFailure[] = [];
  for (let row = from; row < from + count; row++) {
    const own = y.subarray(row * k, (row + 1) * k);
    const bad = own.find((value) => !Number.isFinite(value));
    if (bad === undefined) continue;
    own.fill(Number.NaN);
    failed.push({ row, reason: `returned ${bad}` });
  }
  return failed;
}
