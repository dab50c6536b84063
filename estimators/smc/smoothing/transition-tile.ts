import type { Arena, Backend } from '../../../engine/backend/backend.ts';
import { ValueError } from '../../../engine/errors.ts';
import type { StateSpaceModel } from '../state-space.ts';

/*
 * The transition density between all particles of a step and some of the next, a block of the [N, N] matrix at a time.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | x_t^i with log W_t^i | parents | [N, d], [N] |
 * | x_{t+1}^j | children | [m, d] |
 * | W_t^i f_{t+1}(x_{t+1}^j | x_t^i), up to a factor of j | weight | [m, N] |
 */

/** A model whose transition density is known. */
export type DensityModel = StateSpaceModel & Required<Pick<StateSpaceModel, 'logTransition'>>;

/** Rows of the model in one call: enough to be worth it, few enough to stay in the cache. */
const ROWS = 8192;

export interface TransitionTile {
  /** Children of one `fill` at most. */
  readonly width: number;
  /** [m] the largest exponent; -Infinity where no parent can have led to the child. */
  readonly shift: Float64Array;
  /** The parents of the fills to come, at the step before `step`. */
  aim(step: number, x: Float64Array, logWeight: Float64Array): void;
  /**
   * Children slot[lo..hi-1] of x [., d]; hi - lo <= width.
   * @throws ValueError when logTransition is NaN or +Infinity for a parent with weight.
   */
  fill(x: Float64Array, slot: Uint32Array, lo: number, hi: number): Promise<void>;
  /** Rows of the last fill, of its first m children one after the other. */
  rows(m: number): TileRows;
}

export interface TileRows {
  /** [m N, d] */
  readonly parent: Float64Array;
  readonly child: Float64Array;
  /** exp(log W^i + log f - shift of the child), [m N]; all 0 where no parent can have led to the child. */
  readonly weight: Float64Array;
}

export function makeTile(
  where: string,
  backend: Backend,
  arena: Arena,
  model: DensityModel,
  n: number,
): TransitionTile {
  const d = model.dimension;
  const width = Math.max(1, Math.floor(ROWS / n));
  const parent = arena.f64(width * n * d);
  const child = arena.f64(width * n * d);
  const weight = arena.f64(width * n);
  const shift = arena.f64(width);
  let [from, logWeight] = [parent, parent];
  let step = 0;
  let copies = 0;
  return {
    ...{ width, shift },
    rows: (m) => ({
      parent: parent.subarray(0, m * n * d),
      child: child.subarray(0, m * n * d),
      weight: weight.subarray(0, m * n),
    }),
    aim(to, x, weights) {
      step = to;
      [from, logWeight, copies] = [x, weights, 0];
    },
    async fill(x, slot, lo, hi) {
      const rows = (hi - lo) * n;
      for (; copies < hi - lo; copies++) parent.set(from, copies * n * d);
      for (let j = lo; j < hi; j++) repeatRow(x, d, slot[j]!, child, (j - lo) * n, n);
      const log = weight.subarray(0, rows);
      model.logTransition(step, parent.subarray(0, rows * d), child.subarray(0, rows * d), log);
      for (let j = 0; j < hi - lo; j++) {
        shift[j] = addWeights(log.subarray(j * n, (j + 1) * n), logWeight);
        if (shift[j] === Infinity) throw badTransition(where, step, log, j * n, logWeight);
      }
      await backend.dispatch('expInto', [log, log], rows);
    },
  };
}

function repeatRow(
  x: Float64Array,
  d: number,
  slot: number,
  out: Float64Array,
  from: number,
  n: number,
): void {
  if (d === 1) {
    out.fill(x[slot]!, from, from + n);
    return;
  }
  for (let i = from; i < from + n; i++) for (let c = 0; c < d; c++) out[i * d + c] = x[slot * d + c]!;
}

/**
 * log f + log W less its maximum, in place; returns that maximum. -Infinity: none is possible, and all are -Infinity.
 * +Infinity: a value that cannot be used, and nothing is changed.
 */
function addWeights(logF: Float64Array, logWeight: Float64Array): number {
  let max = -Infinity;
  for (let i = 0; i < logF.length; i++) {
    const l = logF[i]! + logWeight[i]!;
    // Also where l is NaN.
    if (!(l <= max)) {
      if (!(l < Infinity)) return logWeight.includes(-Infinity) ? addLive(logF, logWeight) : Infinity;
      max = l;
    }
  }
  if (max === -Infinity) logF.fill(-Infinity);
  else for (let i = 0; i < logF.length; i++) logF[i] = logF[i]! + logWeight[i]! - max;
  return max;
}

/** The same, where the density says something of a dead particle that does not count: NaN or +Infinity. */
function addLive(logF: Float64Array, logWeight: Float64Array): number {
  for (let i = 0; i < logF.length; i++) if (logWeight[i] === -Infinity) logF[i] = -Infinity;
  const usable = logF.every((l) => l < Infinity);
  return usable ? addWeights(logF, logWeight) : Infinity;
}

function badTransition(
  where: string,
  step: number,
  logF: Float64Array,
  from: number,
  logWeight: Float64Array,
): ValueError {
  const index = logWeight.findIndex((lw, i) => lw > -Infinity && !(logF[from + i]! < Infinity));
  return badLogTransition(where, step, logF[from + index]!, index);
}

/** The error for a log density that is NaN or +Infinity. */
export function badLogTransition(where: string, step: number, value: number, index: number): ValueError {
  return new ValueError({
    where,
    found: `logTransition is ${value} at step ${step}, from particle ${index} of the step before`,
    expected: 'a finite number, or -Infinity where the transition is impossible',
    index,
  });
}
