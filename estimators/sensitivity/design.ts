import type { Arena, Backend } from '../../engine/backend/backend.ts';
import { openPointSet, type PointSet } from '../../engine/random/point-set.ts';
import type { Rng } from '../../engine/random/rng.ts';
import type { Layout } from './layout.ts';
import type { DesignPlan } from './plan.ts';

/** Fills tiles of the design: rows of some base points of one replicate. */
export interface DesignTile {
  /** Base points a tile can hold. */
  readonly capacity: number;
  /** The rows [points * rows, d] of base points first .. first + n - 1, row order as in `Layout`. */
  fill(replicate: number, first: number, n: number): Promise<Float64Array>;
  /** The A rows [points, d] of base points first .. first + n - 1; also left behind by `fill`. */
  base(replicate: number, first: number, n: number): Promise<Float64Array>;
  /** The A rows of the last `fill`. */
  readonly last: Float64Array;
  release(): void;
}

const MOST_ROWS = 65_536;
/** Numbers in a tile: it stays in the second-level cache between being written and being read. */
const MOST_VALUES = 2 ** 17;

/**
 * A and B (and C) are columns 1..D, D+1..2D (and 2D+1..3D) of the same point of one sequence, which keeps them
 * independent under quasi-Monte Carlo (Saltelli et al. 2010, section 4).
 */
export function designTile(plan: DesignPlan, perReplicate: number, rng: Rng, backend: Backend): DesignTile {
  const { layout, space } = plan;
  const d = space.dimension;
  const most = Math.min(MOST_ROWS / layout.rows, MOST_VALUES / (layout.rows * d));
  const capacity = Math.max(1, Math.min(perReplicate, Math.floor(most)));
  const words = rowProgram(layout);
  const arena: Arena = backend.arena();
  const u = arena.f64(capacity * layout.matrices * d);
  const matrices = arena.f64(layout.matrices * capacity * d);
  const program = arena.u32(words.length);
  program.set(words);
  const rows = arena.f64(capacity * layout.rows * d);
  let open: { readonly replicate: number; readonly set: PointSet } | undefined;

  const points = async (replicate: number, first: number, n: number): Promise<void> => {
    if (open?.replicate !== replicate) {
      const dimension = layout.matrices * d;
      const set = await openPointSet({ name: plan.design, dimension, points: perReplicate, rng, replicate });
      open = { replicate, set };
    }
    await open.set.fill(u, first, n, backend);
    for (let m = 0; m < layout.matrices; m++) {
      const matrix = matrices.subarray(m * capacity * d, (m + 1) * capacity * d);
      takeColumns(u, layout.matrices * d, m * d, d, matrix, n);
      space.transport(matrix, matrix, n);
    }
  };
  return {
    capacity,
    async fill(replicate, first, n) {
      await points(replicate, first, n);
      await backend.dispatch('pickFreeze', [matrices, capacity * d, program, layout.rows, d, rows], n);
      return rows.subarray(0, n * layout.rows * d);
    },
    async base(replicate, first, n) {
      await points(replicate, first, n);
      return matrices.subarray(0, n * d);
    },
    last: matrices.subarray(0, capacity * d),
    release: () => arena.release(),
  };
}

/** Columns from .. from + d - 1 of `u` [n, width] into `x` [n, d]. */
function takeColumns(
  u: Float64Array,
  width: number,
  from: number,
  d: number,
  x: Float64Array,
  n: number,
): void {
  for (let i = 0; i < n; i++) {
    for (let c = 0; c < d; c++) x[i * d + c] = u[i * width + from + c]!;
  }
}

const MATRIX = { A: 0, B: 1, C: 2 } as const;

/** The rows of a base point as words for the kernel 'pickFreeze'. */
export function rowProgram({ blocks }: Layout): readonly number[] {
  const words = [MATRIX.A, MATRIX.A, 0];
  for (const { base, from, columns } of blocks)
    words.push(MATRIX[base], MATRIX[from], columns.length, ...columns);
  return [...words, MATRIX.B, MATRIX.B, 0];
}
