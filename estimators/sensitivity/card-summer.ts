import type { Gpu, GpuArena, GpuArray } from '../../engine/backend/gpu-types.ts';
import { columnRanges, RANGE_SIZE, rangeGroups } from '../../engine/backend/wgsl/column-ranges.ts';
import { indexSums } from '../../engine/backend/wgsl/index-sums.ts';
import { pickFreeze, pickFreezeSource } from '../../engine/backend/wgsl/pick-freeze.ts';
import { type SobolInputs, sobolInputs } from '../../engine/backend/wgsl/sobol-inputs.ts';
import type { PointFailure } from '../../engine/errors.ts';
import { TERM_WORDS } from '../../engine/math/sobol-terms.ts';
import type { CardKernel } from '../../engine/model/card-rows.ts';
import type { Evaluator } from '../../engine/model/evaluator.ts';
import { KEPT_FAILURES } from '../../engine/model/missing.ts';
import type { Rng } from '../../engine/random/rng.ts';
import { sobolSequence } from '../../engine/random/sobol.ts';
import {
  badOutputs,
  type CardShape,
  failedRows,
  leftColumns,
  pilotOfRanges,
  rangesOfBlocks,
  sumsOfBlocks,
} from './card-blocks.ts';
import type { CardDesign } from './card-design.ts';
import { type DesignTile, rowProgram } from './design.ts';
import { SUM_BLOCK, type SumProgram } from './sum-store.ts';
import type { Summer, SumTask } from './summer.ts';

/** What sums on a card are made from. */
export interface CardSums {
  readonly card: CardKernel;
  readonly design: CardDesign;
  readonly evaluator: Evaluator;
  readonly program: SumProgram;
  readonly rng: Rng;
  /** The design on the host, for the inputs of points that fail. */
  readonly tile: DesignTile;
}

/**
 * Sums on a card: points, quantiles, rows, outputs and sums are made there, and only sums and ranges of blocks come back;
 * all outputs of a task when one of them is not finite.
 */
export function cardSummer({ card, design, evaluator, program, rng, tile }: CardSums): Summer {
  const { gpu, bound } = card;
  const { shape } = design;
  const { d, width, rows, outputs } = shape;
  const tables = openTables(gpu, design, program);
  const { source, words, centre } = tables;
  let open: { readonly replicate: number; readonly inputs: SobolInputs } | undefined;
  let room: Room | undefined;

  const inputsOf = async (replicate: number): Promise<SobolInputs> => {
    if (open?.replicate === replicate) return open.inputs;
    open?.inputs.release();
    open = undefined;
    const sequence = await sobolSequence({ dimension: width, rng, replicate });
    open = { replicate, inputs: sobolInputs(gpu, { ...sequence, laws: design.laws }) };
    return open.inputs;
  };
  const roomFor = (n: number): Room => {
    if (room !== undefined && room.points >= n) return room;
    room?.arena.release();
    room = undefined;
    room = openRoom(gpu, n, shape);
    return room;
  };
  const askRanges = ({ y, ranges }: Room, n: number): void => {
    const columns = rows * outputs;
    const items = (n / SUM_BLOCK) * rangeGroups(columns);
    gpu.run(columnRanges, { y, centre, ranges }, { n, columns, outputs }, items);
  };
  const readRanges = ({ ranges }: Room, n: number): Promise<Float32Array> =>
    gpu.read(ranges, 0, (n / SUM_BLOCK) * rows * outputs * RANGE_SIZE);
  /** Of the first block of what is in the room. */
  const findPilot = async (there: Room): Promise<Float64Array> => {
    gpu.write(
      centre,
      Float32Array.from({ length: 2 * outputs }, (_, i) => i % 2),
    );
    askRanges(there, SUM_BLOCK);
    return pilotOfRanges(await readRanges(there, SUM_BLOCK), shape);
  };
  const failuresOf = async (there: Room, { replicate, first, n }: SumTask): Promise<PointFailure[]> => {
    const failed = failedRows(await gpu.read(there.y, 0, n * rows * outputs), outputs);
    const failures: PointFailure[] = [];
    for (const { row, reason } of failed) {
      const point = first + Math.floor(row / rows);
      const listed = failures.length < KEPT_FAILURES;
      const x = listed ? await tile.fill(replicate, point, 1) : new Float64Array(0);
      const input = x.slice((row % rows) * d, ((row % rows) + 1) * d);
      failures.push({ index: evaluator.evaluations + row, input, reason });
    }
    return failures;
  };
  return {
    capacity: design.capacity,
    async sum(task) {
      const { first, n } = task;
      const inputs = await inputsOf(task.replicate);
      const there = roomFor(n);
      inputs.fill(there.x, first, n);
      gpu.run(pickFreeze, { x: there.x, source, rows: there.rows }, { width, size: rows * d }, n * rows * d);
      bound.run(there.rows, there.y, n * rows);
      const pilot = task.pilot ?? (await findPilot(there));
      gpu.write(centre, Float32Array.from(pilot));
      askRanges(there, n);
      const groups = (n / SUM_BLOCK) * outputs;
      const { y, partial } = there;
      gpu.run(
        indexSums,
        { y, program: words, centre, partial },
        { n, rows, outputs, terms: shape.terms },
        groups,
      );
      const shown = Math.min(n, task.pictures);
      const [ranges, sums, points, values] = await Promise.all([
        readRanges(there, n),
        gpu.read(partial, 0, groups * shape.terms),
        gpu.read(there.x, 0, shown * width),
        gpu.read(y, 0, shown * rows * outputs),
      ]);
      const failures = badOutputs(ranges) > 0 ? await failuresOf(there, task) : [];
      evaluator.count(n * rows);
      const blocks = {
        sums: sumsOfBlocks(sums, ranges, shape, program, pilot),
        ranges: rangesOfBlocks(ranges, shape),
        x: leftColumns(points, width, d, shown),
        y: leftColumns(values, rows * outputs, outputs, shown),
      };
      return { pilot, blocks, failures };
    },
    release() {
      open?.inputs.release();
      open = undefined;
      room?.arena.release();
      room = undefined;
      tables.arena.release();
      tile.release();
    },
  };
}

interface Tables {
  readonly arena: GpuArena;
  readonly words: GpuArray<'u32'>;
  readonly source: GpuArray<'u32'>;
  readonly centre: GpuArray<'f32'>;
}

/** What stays the same from task to task. */
function openTables(gpu: Gpu, { shape, layout }: CardDesign, program: SumProgram): Tables {
  const arena = gpu.arena();
  const words = arena.u32(TERM_WORDS * shape.terms);
  const source = arena.u32(shape.rows * shape.d);
  gpu.write(words, program.words.slice(0, TERM_WORDS * shape.terms));
  gpu.write(source, pickFreezeSource(rowProgram(layout), shape.rows, shape.d));
  return { arena, words, source, centre: arena.f32(2 * shape.outputs) };
}

/** Arrays for a task. */
interface Room {
  readonly points: number;
  readonly arena: GpuArena;
  readonly x: GpuArray<'f32'>;
  readonly rows: GpuArray<'f32'>;
  readonly y: GpuArray<'f32'>;
  readonly ranges: GpuArray<'f32'>;
  readonly partial: GpuArray<'f32'>;
}

function openRoom(gpu: Gpu, n: number, { d, width, rows, outputs, terms }: CardShape): Room {
  const arena = gpu.arena();
  const blocks = n / SUM_BLOCK;
  return {
    points: n,
    arena,
    x: arena.f32(n * width),
    rows: arena.f32(n * rows * d),
    y: arena.f32(n * rows * outputs),
    ranges: arena.f32(blocks * rows * outputs * RANGE_SIZE),
    partial: arena.f32(blocks * outputs * terms),
  };
}
