import type { StateArray } from '../../engine/array/codec.ts';
import { ENTRY_BYTES, type Families, type Kept, openFamilies } from './families.ts';

/*
 * A tree as records: what a walk wants to know of a node lies together, in 64 bytes, since in a large tree every look at another
 * place waits for memory; sums over siblings lie with their family. States lie in one slab [capacity, d] for each level. A parent
 * is always born before its children, so one pass in the order of ids goes from the top down.
 */

/**
 * Reals of a record, the first of node i at RECORD * i of `real`. Where memory is handed out from the 16th byte of a page on,
 * the first 48 bytes of a record are on one line: they are what all nodes of a walk are asked for.
 */
export const RECORD = 8;
/** u = lambda v; the c of the sums over its children; and rho, the relative variance of u. */
export const VALUE = 0;
export const SCALE = 1;
export const SPREAD = 2;
/** g, the edge to a node. */
export const EDGE = 7;

/** The same record by integers, the first of node i at WORDS * i of `whole`. */
export const WORDS = 16;
export const VISITS = 6;
export const CHILDREN = 7;
/** The child of a node that has one; where the block of its children begins in `families`, of a node that has more. */
export const FAMILY = 8;
export const LEVEL = 9;
/** Children on their way, not yet nodes. */
export const PENDING = 10;
/** k of the k-th child of its parent. */
export const NUMBER = 11;
export const PARENT = 12;
/** Row of the state in the slab of its level; -1 of the root. */
export const SLOT = 13;

/** The records of `nodes` nodes. Node 0 is the root. */
export interface TreeArena {
  readonly dimension: number;
  /** Nodes that the tree can come to. */
  readonly most: number;
  real: Float64Array;
  /** The same bytes. */
  whole: Int32Array;
  /** Whether any g is not 0. */
  edges: boolean;
  nodes: number;
  readonly families: Families;
  /** By level, 0 to D: states [capacity, d], and how many there are; leaves all are at level 0. */
  readonly slabs: Float64Array[];
  readonly filled: Float64Array;
  /** By slot of level 0: the node, r, and the log of the importance weights that came to it. */
  leaf: Int32Array;
  reward: Float64Array;
  mass: Float64Array;
}

/** Bytes of a node besides its state, as one of several children. */
export const NODE_BYTES: number = 8 * RECORD + ENTRY_BYTES;

export const FIRST_CAPACITY = 256;
const EMPTY = /* @__PURE__ */ new Float64Array(0);

/** A root and room for some nodes. */
export function makeArena(dimension: number, steps: number, most = 0, kept: Kept = 'both'): TreeArena {
  const arena: TreeArena = {
    ...{ dimension, most },
    ...openRecords(FIRST_CAPACITY),
    ...{ edges: false, nodes: 0, families: openFamilies(kept) },
    slabs: Array.from({ length: steps + 1 }, () => EMPTY),
    filled: new Float64Array(steps + 1),
    leaf: new Int32Array(16),
    reward: new Float64Array(16),
    mass: new Float64Array(16),
  };
  bear(arena, 0, steps + 1, -1);
  return arena;
}

export function openRecords(capacity: number): Pick<TreeArena, 'real' | 'whole'> {
  const real = new Float64Array(RECORD * capacity);
  return { real, whole: new Int32Array(real.buffer) };
}

/** A node visited once, of value -Infinity. */
function bear(arena: TreeArena, parent: number, level: number, slot: number): number {
  const id = arena.nodes;
  if (RECORD * id === arena.real.length) {
    const { real } = arena;
    Object.assign(arena, openRecords(moreRoom(id, arena.most, 64)));
    arena.real.set(real);
  }
  arena.nodes = id + 1;
  const { whole } = arena;
  const word = WORDS * id;
  whole[word + VISITS] = 1;
  whole[word + LEVEL] = level;
  whole[word + SLOT] = slot;
  whole[word + PARENT] = parent;
  arena.real[RECORD * id + VALUE] = -Infinity;
  return id;
}

/** A node with the state in row `row` of `x`; it is not yet in the heap of its siblings. */
export function addNode(
  arena: TreeArena,
  parent: number,
  level: number,
  x: Float64Array,
  row: number,
  edge: number,
): number {
  const { dimension: d, slabs, filled } = arena;
  const slot = filled[level]!;
  const id = bear(arena, parent, level, slot);
  if (slot * d === slabs[level]!.length)
    slabs[level] =
      slot === 0 ? new Float64Array(16 * d) : larger(slabs[level]!, d * moreRoom(slot, arena.most));
  const slab = slabs[level]!;
  copyRow(x, row, slab, slot, d);
  filled[level] = slot + 1;
  if (edge !== 0) setEdge(arena, id, edge);
  if (level === 0) addLeaf(arena, id, slot);
  return id;
}

/** Numbers of a state from which on it is copied as a block of memory. */
const LONG = 32;

/** Row i of `from` [., d] into row j of `into`. */
export function copyRow(from: Float64Array, i: number, into: Float64Array, j: number, d: number): void {
  if (d >= LONG) into.set(from.subarray(i * d, (i + 1) * d), j * d);
  else for (let c = 0; c < d; c++) into[j * d + c] = from[i * d + c]!;
}

/** Give a node its g. */
export function setEdge(arena: TreeArena, id: number, edge: number): void {
  arena.edges ||= edge !== 0;
  arena.real[RECORD * id + EDGE] = edge;
}

/** g of a node. */
export function edgeOf({ real }: TreeArena, id: number): number {
  return real[RECORD * id + EDGE]!;
}

function addLeaf(arena: TreeArena, id: number, slot: number): void {
  if (slot === arena.leaf.length) {
    const room = moreRoom(slot, arena.most);
    arena.leaf = larger(arena.leaf, room);
    arena.reward = larger(arena.reward, room);
    arena.mass = larger(arena.mass, room);
  }
  arena.leaf[slot] = id;
  arena.mass[slot] = -Infinity;
}

/** Rows from which on room is taken far ahead: what is not written yet costs no memory, and each copy is written once more. */
const MANY_ROWS = 2 ** 16;

/** Of what holds `rows` and is full: twice as many, or `times` as many in a large tree that can come to them. */
function moreRoom(rows: number, most: number, times = 16): number {
  return Math.max(2 * rows, rows < MANY_ROWS ? 0 : Math.min(times * rows, most));
}

function larger<A extends StateArray>(array: A, length: number): A {
  const room = new (array.constructor as new (length: number) => A)(length);
  room.set(array);
  return room;
}
