import type { Backend } from '../../engine/backend/backend.ts';
import { scaleFor } from '../../engine/backend/wgsl/index-sums.ts';
import type { PointFailure } from '../../engine/errors.ts';
import type { Evaluator } from '../../engine/model/evaluator.ts';
import { treeSum } from '../../engine/wasm/twins/sums.ts';
import type { DesignTile } from './design.ts';
import type { Columns } from './store.ts';
import { RANGES, SUM_BLOCK, type SummedBlocks, type SumProgram } from './sum-store.ts';
import { scatter } from './tell.ts';

/** Evaluates whole blocks of base points and keeps nothing but sums. */
export interface Summer {
  /** Base points of the largest task, whole blocks. */
  readonly capacity: number;
  /** Base points first .. first + n - 1 of a replicate, whole blocks; with a failure nothing is summed. */
  sum(task: SumTask): Promise<Summed>;
  release(): void;
}

export interface SumTask {
  readonly replicate: number;
  readonly first: number;
  readonly n: number;
  /** Centre and scale of each output, see `SumStore`; when absent, the first block tells: the centre is its mean over A and B. */
  readonly pilot: Float64Array | undefined;
  /** How many A rows from the first on are wanted for pictures. */
  readonly pictures: number;
}

export interface Summed {
  readonly pilot: Float64Array;
  readonly blocks: SummedBlocks;
  readonly failures: readonly PointFailure[];
}

/** Sums on the host, in float64, of what any evaluator gives; owns the tile. */
export function hostSummer(
  backend: Backend,
  tile: DesignTile,
  evaluator: Evaluator,
  program: SumProgram,
  d: number,
): Summer {
  const arena = backend.arena();
  const words = arena.u32(program.words.length);
  words.set(program.words);
  const partial = arena.f64(program.terms);
  const rows = program.columns.length;
  let columns: Columns | undefined;

  /** Columns of one block. */
  const evaluate = async (
    replicate: number,
    from: number,
    x: Float64Array,
  ): Promise<readonly PointFailure[]> => {
    const failures: PointFailure[] = [];
    for (let at = 0; at < SUM_BLOCK; at += tile.capacity) {
      const n = Math.min(tile.capacity, SUM_BLOCK - at);
      const batch = await evaluator.evaluate(await tile.fill(replicate, from + at, n), n * rows);
      failures.push(...batch.failures);
      const outputs = evaluator.outputs.length;
      columns ??= { y: arena.f64(outputs * rows * SUM_BLOCK), outputs, rows, stride: SUM_BLOCK };
      scatter(columns, batch.y, at, n);
      const shown = Math.max(0, Math.min(n, x.length / d - at));
      x.set(tile.last.subarray(0, shown * d), at * d);
    }
    return failures;
  };
  return {
    capacity: SUM_BLOCK,
    async sum({ replicate, first, n, pilot, pictures }) {
      const x = new Float64Array(Math.min(n, pictures) * d);
      const failures = await evaluate(replicate, first, x);
      const { outputs } = columns!;
      const centres = pilot ?? pilotOf(columns!);
      const sums = new Float64Array(outputs * program.terms);
      const ranges = new Float64Array(outputs * RANGES);
      const y = new Float64Array(Math.min(n, pictures) * outputs);
      for (let s = 0; s < outputs; s++) {
        const base = s * rows * SUM_BLOCK;
        const input = [columns!.y, base, SUM_BLOCK, SUM_BLOCK] as const;
        await backend.dispatch('indexSums', [...input, words, program.terms, centres[2 * s]!, partial], 1);
        sums.set(partial, s * program.terms);
        ranges.set(rangesOf(columns!, s), s * RANGES);
        for (let p = 0; p < y.length / outputs; p++) y[p * outputs + s] = columns!.y[base + p]!;
      }
      return { pilot: centres, blocks: { sums, ranges, x, y }, failures };
    },
    release() {
      tile.release();
      arena.release();
    },
  };
}

/** Centre and scale of each output of a block. The centre is a float32 number, so that a card has the same. */
function pilotOf(columns: Columns): Float64Array {
  const { y, outputs, rows } = columns;
  const pilot = new Float64Array(2 * outputs);
  for (let s = 0; s < outputs; s++) {
    const a = s * rows * SUM_BLOCK;
    const b = a + (rows - 1) * SUM_BLOCK;
    const both = y.slice(a, a + SUM_BLOCK);
    for (let p = 0; p < SUM_BLOCK; p++) both[p]! += y[b + p]!;
    const centre = pilotFrom(treeSum(both, SUM_BLOCK));
    const [low, high] = rangesOf(columns, s);
    pilot.set([centre, scaleFor(Math.max(high! - centre, centre - low!))], 2 * s);
  }
  return pilot;
}

/** The centre from the sum of an output over A and B of a block. */
export function pilotFrom(sum: number): number {
  return Math.fround(sum / (2 * SUM_BLOCK));
}

function rangesOf({ y, rows }: Columns, s: number): readonly number[] {
  const ends = (from: number, to: number): readonly [number, number] => {
    let [low, high] = [Infinity, -Infinity];
    for (let i = from * SUM_BLOCK; i < to * SUM_BLOCK; i++) {
      low = Math.min(low, y[i]!);
      high = Math.max(high, y[i]!);
    }
    return [low, high];
  };
  const first = s * rows;
  const a = ends(first, first + 1);
  const b = ends(first + rows - 1, first + rows);
  return [Math.min(a[0], b[0]), Math.max(a[1], b[1]), ...ends(first, first + rows)];
}
