import type { Arena, Backend } from '../backend/backend.ts';
import type { Denoiser } from './denoiser.ts';

/** The kernels of a denoiser over any arrays. */
export interface KernelCalls {
  /** Score [n, d] and log density [n] of rows 0..n-1 of `x`, those that are given. */
  evaluate(
    x: Float64Array,
    time: number,
    n: number,
    score: Float64Array | undefined,
    logDensity: Float64Array | undefined,
  ): Promise<void>;
  release(): void;
}

/** Rows that are copied at a time, where kernels do not reach an array. */
const COPIED = 16384;

/** Open the kernels of a denoiser; arrays that they do not reach are copied to and from where they do. */
export function kernelCalls(
  kernels: NonNullable<Denoiser['kernels']>,
  backend: Backend,
  d: number,
): KernelCalls {
  const opened = kernels.open({ backend });
  const room = makeRoom(backend);
  const own = backend.arena();
  const reached = (array: Float64Array | undefined): boolean => array === undefined || own.holds(array);
  return {
    async evaluate(x, time, n, score, logDensity) {
      if (score === undefined && logDensity === undefined) return;
      if (reached(x) && reached(score) && reached(logDensity))
        return opened.evaluate(x, time, n, score, logDensity ?? room('logDensity', n));
      const most = Math.min(n, COPIED);
      const points = room('x', most * d);
      const scores = score === undefined ? undefined : room('score', most * d);
      const densities = room('logDensity', most);
      for (let lo = 0; lo < n; lo += most) {
        const rows = Math.min(most, n - lo);
        points.set(x.subarray(lo * d, (lo + rows) * d));
        await opened.evaluate(points, time, rows, scores, densities);
        score?.set(scores!.subarray(0, rows * d), lo * d);
        logDensity?.set(densities.subarray(0, rows), lo);
      }
    },
    release() {
      opened.release();
      room.release();
    },
  };
}

interface Room {
  /** An array of at least `length` numbers, the same one each time until it is too short. */
  (name: string, length: number): Float64Array;
  release(): void;
}

function makeRoom(backend: Backend): Room {
  const held = new Map<string, { readonly arena: Arena; readonly array: Float64Array }>();
  const room = (name: string, length: number): Float64Array => {
    const found = held.get(name);
    if (found !== undefined && found.array.length >= length) return found.array;
    found?.arena.release();
    const arena = backend.arena();
    const array = arena.f64(length);
    held.set(name, { arena, array });
    return array;
  };
  return Object.assign(room, {
    release() {
      for (const { arena } of held.values()) arena.release();
      held.clear();
    },
  });
}
