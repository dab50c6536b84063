import type { Gpu, GpuArena, GpuArray } from '../../engine/backend/gpu/types.ts';
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
export function cardSummer(made: CardSums): Summer {
  const { card, design, evaluator, program, tile } = made;
  const { gpu } = card;
  const { shape } = design;
  const tables = openTables(gpu, design, program);
  const points = replicatePoints(made);
  let room: Room | undefined;
  const roomFor = (n: number): Room => {
    if (room !== undefined && room.points >= n) return room;
    room?.arena.release();
    room = undefined;
    room = openRoom(gpu, n, shape);
    return room;
  };
  return {
    capacity: design.capacity,
    async sum(task) {
      const { replicate, first, n } = task;
      const inputs = await points.of(replicate);
      const there = roomFor(n);
      inputs.fill(there.x, first, n);
      askOutputs(card, shape, tables, there, n);
      const pilot = task.pilot ?? (await findPilot(gpu, shape, tables, there));
      gpu.write(tables.centre, Float32Array.from(pilot));
      const { ranges, sums, x, y } = await readSums(gpu, shape, tables, there, task);
      const failures = badOutputs(ranges) > 0 ? await failuresOf(made, there, task) : [];
      evaluator.count(n * shape.rows);
      const kept = {
        sums: sumsOfBlocks(sums, ranges, shape, program, pilot),
        ranges: rangesOfBlocks(ranges, shape),
      };
      return { pilot, blocks: { ...kept, x, y }, failures };
    },
    release() {
      points.release();
      room?.arena.release();
      room = undefined;
      tables.arena.release();
      tile.release();
    },
  };
}

/** The points of one replicate at a time. */
function replicatePoints({ card, design, rng }: CardSums): {
  of(replicate: number): Promise<SobolInputs>;
  release(): void;
} {
  let open: { readonly replicate: number; readonly inputs: SobolInputs } | undefined;
  const release = (): void => {
    open?.inputs.release();
    open = undefined;
  };
  return {
    async of(replicate) {
      if (open?.replicate === replicate) return open.inputs;
      release();
      const sequence = await sobolSequence({ dimension: design.shape.width, rng, replicate });
      open = { replicate, inputs: sobolInputs(card.gpu, { ...sequence, laws: design.laws }) };
      return open.inputs;
    },
    release,
  };
}

/** Rows of the points in the room, and their outputs. */
function askOutputs(
  { gpu, bound }: CardKernel,
  { d, width, rows }: CardShape,
  { source }: Tables,
  room: Room,
  n: number,
): void {
  gpu.run(pickFreeze, { x: room.x, source, rows: room.rows }, { width, size: rows * d }, n * rows * d);
  bound.run(room.rows, room.y, n * rows);
}

/** Ranges of the columns of the first n base points in the room. */
function readRanges(
  gpu: Gpu,
  { rows, outputs }: CardShape,
  { centre }: Tables,
  { y, ranges }: Room,
  n: number,
): Promise<Float32Array> {
  const columns = rows * outputs;
  const blocks = n / SUM_BLOCK;
  gpu.run(columnRanges, { y, centre, ranges }, { n, columns, outputs }, blocks * rangeGroups(columns));
  return gpu.read(ranges, 0, blocks * columns * RANGE_SIZE);
}

/** From the first block in the room, about 0 and not scaled. */
async function findPilot(gpu: Gpu, shape: CardShape, tables: Tables, room: Room): Promise<Float64Array> {
  gpu.write(
    tables.centre,
    Float32Array.from({ length: 2 * shape.outputs }, (_, i) => i % 2),
  );
  return pilotOfRanges(await readRanges(gpu, shape, tables, room, SUM_BLOCK), shape);
}

interface ReadSums {
  readonly ranges: Float32Array;
  readonly sums: Float32Array;
  /** Inputs and outputs of A rows. */
  readonly x: Float64Array;
  readonly y: Float64Array;
}

/** Everything of a task that comes back. */
async function readSums(
  gpu: Gpu,
  shape: CardShape,
  tables: Tables,
  room: Room,
  { n, pictures }: SumTask,
): Promise<ReadSums> {
  const { d, width, rows, outputs, terms } = shape;
  const { words: program, centre } = tables;
  const { y, partial } = room;
  const groups = (n / SUM_BLOCK) * outputs;
  gpu.run(indexSums, { y, program, centre, partial }, { n, rows, outputs, terms }, groups);
  const shown = Math.min(n, pictures);
  const [ranges, sums, points, values] = await Promise.all([
    readRanges(gpu, shape, tables, room, n),
    gpu.read(partial, 0, groups * terms),
    gpu.read(room.x, 0, shown * width),
    gpu.read(y, 0, shown * rows * outputs),
  ]);
  const left = {
    x: leftColumns(points, width, d, shown),
    y: leftColumns(values, rows * outputs, outputs, shown),
  };
  return { ranges, sums, ...left };
}

/** Rows of a task with an output that is not finite; the first ones with their inputs. */
async function failuresOf(
  { card, design, evaluator, tile }: CardSums,
  { y }: Room,
  { replicate, first, n }: SumTask,
): Promise<PointFailure[]> {
  const { d, rows, outputs } = design.shape;
  const failures: PointFailure[] = [];
  for (const { row, reason } of failedRows(await card.gpu.read(y, 0, n * rows * outputs), outputs)) {
    const listed = failures.length < KEPT_FAILURES;
    const x = listed ? await tile.fill(replicate, first + Math.floor(row / rows), 1) : new Float64Array(0);
    const input = x.slice((row % rows) * d, ((row % rows) + 1) * d);
    failures.push({ index: evaluator.evaluations + row, input, reason });
  }
  return failures;
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
