import type { StateArray } from '../../engine/array/codec.ts';
import { checkPointMemory, MOST_BYTES } from '../../engine/check.ts';
import { TERM, termTable } from '../../engine/math/sobol-terms.ts';
import { BLOCK } from '../../engine/wasm/twins/sums.ts';
import type { Quantities } from './quantities.ts';

/** Base points whose sums are kept together; every segment of a sum store is made of whole blocks. */
export const SUM_BLOCK: number = BLOCK;

/** What is summed over the rows of a base point. */
export interface SumProgram {
  /** The terms of the estimators, then the values of all columns, by which sums are centred anew. */
  readonly words: Uint32Array;
  readonly terms: number;
  /** Where the value of each column stands. */
  readonly columns: readonly number[];
}

/** Ranges of a block: the least and the greatest output over A and B, then over all rows. */
export const RANGES = 4;

/**
 * A design of which only sums are kept, by blocks of 1024 base points: sums of row terms about a fixed centre near the
 * mean, and ranges. Its size does not depend on the number of columns that were evaluated, and what it holds is on
 * the host: a run can go on from it anywhere.
 */
export interface SumStore {
  readonly kind: 'sums';
  readonly outputs: number;
  readonly replicates: number;
  /** Base points of a replicate there is room for: whole blocks. */
  readonly perReplicate: number;
  readonly program: SumProgram;
  /**
   * [outputs, 2]: the centre of each output about which terms are summed, and the power of two by which a card multiplies
   * what it sums; undefined as long as nothing is summed.
   */
  readonly pilot: Float64Array | undefined;
  /** [blocks, outputs, terms], blocks replicate after replicate. */
  readonly sums: Float64Array;
  /** [blocks, outputs, 4], see `RANGES`. */
  readonly ranges: Float64Array;
  readonly pictures: Pictures;
}

/** The first A rows of each replicate with their outputs, for pictures. */
export interface Pictures {
  /** Base points of each replicate there is room for. */
  readonly each: number;
  /** [replicates, each, d] and [replicates, each, outputs]. */
  readonly x: Float64Array;
  readonly y: Float64Array;
}

export interface SumShape {
  readonly outputs: number;
  readonly replicates: number;
  readonly perReplicate: number;
  readonly dimension: number;
}

/** Base points kept for pictures, and numbers kept of them. */
const MOST_PICTURES = 2 ** 16;
const MOST_NUMBERS = 2 ** 22;

/** The terms of some quantities and the values of all `rows` columns. */
export function sumProgram(quantities: Quantities, rows: number): SumProgram {
  const table = termTable(quantities.program);
  const columns = Array.from({ length: rows }, (_, c) => table.term(TERM.value, c));
  return { words: table.program(), terms: table.size, columns };
}

function bytesPerPoint({ outputs }: SumShape, { terms }: SumProgram): number {
  return (8 * outputs * (terms + RANGES)) / SUM_BLOCK;
}

/** Whether the sums of a design fit into memory. */
export function sumsFit(shape: SumShape, program: SumProgram): boolean {
  return shape.replicates * shape.perReplicate * bytesPerPoint(shape, program) <= MOST_BYTES;
}

/** @throws OptionError when the sums of a design do not fit into memory. */
export function checkSums(where: string, shape: SumShape, program: SumProgram): void {
  checkPointMemory(where, shape.replicates * shape.perReplicate, bytesPerPoint(shape, program));
}

/** Room for the sums of a design. */
export function openSums(shape: SumShape, program: SumProgram, pilot: SumStore['pilot']): SumStore {
  const { outputs, replicates, perReplicate, dimension } = shape;
  const blocks = (replicates * perReplicate) / SUM_BLOCK;
  const most = Math.min(MOST_PICTURES, MOST_NUMBERS / (dimension + outputs));
  const each = Math.min(perReplicate, Math.max(1, Math.floor(most / replicates)));
  return {
    kind: 'sums',
    outputs,
    replicates,
    perReplicate,
    program,
    pilot,
    sums: new Float64Array(blocks * outputs * program.terms),
    ranges: new Float64Array(blocks * outputs * RANGES),
    pictures: {
      each,
      x: new Float64Array(replicates * each * dimension),
      y: new Float64Array(replicates * each * outputs),
    },
  };
}

/** Copy the first `n[r]` base points of each replicate r into a store with more room. */
export function copySums(from: SumStore, to: SumStore, n: ArrayLike<number>): void {
  const copy = (source: Float64Array, target: Float64Array, a: number, b: number, count: number): void => {
    for (let r = 0; r < from.replicates; r++) {
      target.set(source.subarray(r * a, r * a + count * n[r]!), r * b);
    }
  };
  const width = (from.outputs * from.program.terms) / SUM_BLOCK;
  copy(from.sums, to.sums, width * from.perReplicate, width * to.perReplicate, width);
  const ranges = (from.outputs * RANGES) / SUM_BLOCK;
  copy(from.ranges, to.ranges, ranges * from.perReplicate, ranges * to.perReplicate, ranges);
  for (const field of ['x', 'y'] as const) {
    const a = from.pictures[field].length / from.replicates;
    const b = to.pictures[field].length / to.replicates;
    for (let r = 0; r < from.replicates; r++) {
      to.pictures[field].set(from.pictures[field].subarray(r * a, (r + 1) * a), r * b);
    }
  }
}

/** A store as named arrays; empty as long as nothing is summed. */
export function writeSums(store: SumStore): Readonly<Record<string, Float64Array | Uint32Array>> {
  const { pilot, sums, ranges, pictures, program } = store;
  if (pilot === undefined) return {};
  return { pilot, sums, ranges, pictureX: pictures.x, pictureY: pictures.y, words: program.words };
}

/** The store with what `writeSums` wrote of one of the same shape. */
export function readSums(store: SumStore, arrays: Readonly<Record<string, StateArray>>): SumStore {
  const { pilot, sums, ranges, pictureX, pictureY } = arrays;
  if (pilot === undefined) return store;
  store.sums.set(sums!);
  store.ranges.set(ranges!);
  store.pictures.x.set(pictureX!);
  store.pictures.y.set(pictureY!);
  return { ...store, pilot: Float64Array.from(pilot) };
}

/** Blocks of base points as they are summed. */
export interface SummedBlocks {
  /** [blocks, outputs, terms] and [blocks, outputs, 4]. */
  readonly sums: Float64Array;
  readonly ranges: Float64Array;
  /** Inputs and outputs of A rows from the first on, as many as were asked for. */
  readonly x: Float64Array;
  readonly y: Float64Array;
}

/** Put blocks that begin at base point `first` of a replicate where they belong. */
export function putBlocks(store: SumStore, replicate: number, first: number, blocks: SummedBlocks): void {
  const { outputs, program, perReplicate, pictures } = store;
  const block = (replicate * perReplicate + first) / SUM_BLOCK;
  store.sums.set(blocks.sums, block * outputs * program.terms);
  store.ranges.set(blocks.ranges, block * outputs * RANGES);
  if (first >= pictures.each) return;
  const d = pictures.x.length / (store.replicates * pictures.each);
  const at = replicate * pictures.each + first;
  pictures.x.set(blocks.x, at * d);
  pictures.y.set(blocks.y, at * outputs);
}
