import type { StateArray } from '../../engine/array/codec.ts';
import { log } from '../../engine/wasm/twins/elementary.ts';

/*
 * A tree as records: what a walk wants to know of a node lies together, 96 bytes, since in a large tree every look at another
 * place waits for memory. States lie in one slab [capacity, d] for each level. A parent is always born before its children, so
 * one pass in the order of ids goes from the top down.
 */

/** Reals of a record, the first of node i at RECORD * i of `real`. */
export const RECORD = 12;
/**
 * Of the heap of siblings below a node, itself among them: sum of exp(g + u - c), of w exp(g + u - c), and of w; then
 * exp(g + u - c) of the node itself. w = 1 / (1 + rho), and c is the `SCALE` of the parent.
 */
export const SUM = 0;
export const WEIGHTED = 1;
export const WEIGHT = 2;
export const OWN = 3;
/** u = lambda v; rho, the relative variance of it; and c of the children of a node. */
export const VALUE = 6;
export const SPREAD = 7;
export const SCALE = 8;

/** The same record by integers, the first of node i at WORDS * i of `whole`. */
export const WORDS = 24;
/** Links between siblings, and the first child; 0, the root, where there is none. */
export const LEFT = 8;
export const RIGHT = 9;
export const ABOVE = 10;
export const FIRST = 11;
/** `PENDING`: children on their way, not yet nodes. `SLOT`: row of the state in the slab of its level; -1 of the root. */
export const VISITS = 18;
export const CHILDREN = 19;
export const PENDING = 20;
export const LEVEL = 21;
export const SLOT = 22;
export const PARENT = 23;

/** The records of `nodes` nodes. Node 0 is the root, whose sums stay 0: it stands for siblings that are not there. */
export interface TreeArena {
  readonly dimension: number;
  /** Nodes that the tree can come to. */
  readonly most: number;
  real: Float64Array;
  /** The same bytes. */
  whole: Int32Array;
  /** g by node; empty as long as all are 0. */
  edge: Float64Array;
  nodes: number;
  /** By level, 0 to D: states [capacity, d], and how many there are; leaves all are at level 0. */
  readonly slabs: Float64Array[];
  readonly filled: Float64Array;
  /** By slot of level 0: the node, r, and the log of the importance weights that came to it. */
  leaf: Int32Array;
  reward: Float64Array;
  mass: Float64Array;
}

/** Bytes of a node besides its state, edges among them. */
export const NODE_BYTES: number = 8 * (RECORD + 1);

const FIRST_CAPACITY = 256;
const EMPTY = new Float64Array(0);

/** A root and room for some nodes. */
export function makeArena(dimension: number, steps: number, most = 0): TreeArena {
  const arena: TreeArena = {
    ...{ dimension, most },
    ...openRecords(FIRST_CAPACITY),
    edge: EMPTY,
    nodes: 0,
    slabs: Array.from({ length: steps + 1 }, () => EMPTY),
    filled: new Float64Array(steps + 1),
    leaf: new Int32Array(16),
    reward: new Float64Array(16),
    mass: new Float64Array(16),
  };
  bear(arena, 0, steps + 1, -1);
  return arena;
}

function openRecords(capacity: number): Pick<TreeArena, 'real' | 'whole'> {
  const real = new Float64Array(RECORD * capacity);
  return { real, whole: new Int32Array(real.buffer) };
}

/** A node visited once, of value -Infinity. */
function bear(arena: TreeArena, parent: number, level: number, slot: number): number {
  const id = arena.nodes;
  if (RECORD * id === arena.real.length) {
    const { real } = arena;
    Object.assign(arena, openRecords(moreRoom(id, arena.most)));
    arena.real.set(real);
    if (arena.edge.length > 0) arena.edge = larger(arena.edge, arena.real.length / RECORD);
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
  if (arena.edge.length === 0) arena.edge = new Float64Array(arena.real.length / RECORD);
  arena.edge[id] = edge;
}

/** g of a node. */
export function edgeOf({ edge }: TreeArena, id: number): number {
  return edge.length === 0 ? 0 : edge[id]!;
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

/** Of what holds `rows` and is full: twice as many, or 16 times in a large tree that can come to as many. */
function moreRoom(rows: number, most: number): number {
  return Math.max(2 * rows, rows < MANY_ROWS ? 0 : Math.min(16 * rows, most));
}

function larger<A extends StateArray>(array: A, length: number): A {
  return placed(new (array.constructor as new (length: number) => A)(length), array);
}

/** Copies of what is used of every array. */
export function saveArena(arena: TreeArena): Record<string, StateArray> {
  const { nodes, filled, dimension: d, edge } = arena;
  const leaves = filled[0]!;
  const saved: Record<string, StateArray> = {
    filled: filled.slice(),
    records: arena.whole.slice(0, WORDS * nodes),
    leaf: arena.leaf.slice(0, leaves),
    reward: arena.reward.slice(0, leaves),
    mass: arena.mass.slice(0, leaves),
  };
  if (edge.length > 0) saved.edge = edge.slice(0, nodes);
  for (const [k, slab] of arena.slabs.entries())
    if (filled[k]! > 0) saved[`slab${k}`] = slab.slice(0, filled[k]! * d);
  return saved;
}

/** A tree as `saveArena` left it. */
export function restoreArena(
  dimension: number,
  steps: number,
  saved: Readonly<Record<string, StateArray>>,
  most = 0,
): TreeArena {
  const arena = makeArena(dimension, steps, most);
  const nodes = saved.records!.length / WORDS;
  const room = powerOfTwo(nodes, FIRST_CAPACITY);
  Object.assign(arena, openRecords(room));
  arena.whole.set(saved.records!);
  if (saved.edge !== undefined) arena.edge = placed(new Float64Array(room), saved.edge);
  arena.nodes = nodes;
  arena.filled.set(saved.filled!);
  for (const [k, filled] of arena.filled.entries())
    if (filled > 0)
      arena.slabs[k] = placed(new Float64Array(powerOfTwo(filled, 16) * dimension), saved[`slab${k}`]!);
  const leaves = powerOfTwo(arena.filled[0]!, 16);
  arena.leaf = placed(new Int32Array(leaves), saved.leaf!);
  arena.reward = placed(new Float64Array(leaves), saved.reward!);
  arena.mass = placed(new Float64Array(leaves), saved.mass!);
  return arena;
}

function placed<A extends StateArray>(room: A, values: StateArray): A {
  room.set(values);
  return room;
}

function powerOfTwo(count: number, least: number): number {
  let room = least;
  while (room < count) room *= 2;
  return room;
}

/** Sum of w over the children of a node. */
export function childrenWeight({ real, whole }: TreeArena, parent: number): number {
  return real[RECORD * whole[WORDS * parent + FIRST]! + WEIGHT]!;
}

/** log of the mean of exp(g + u) over the children of a node, by w. */
export function childrenValue({ real, whole }: TreeArena, parent: number): number {
  const top = RECORD * whole[WORDS * parent + FIRST]!;
  const mean = real[top + WEIGHTED]! / real[top + WEIGHT]!;
  return real[RECORD * parent + SCALE]! + (mean === 1 ? 0 : log(mean));
}

/** The same where all w are 1. */
export function plainValue({ real, whole }: TreeArena, parent: number): number {
  const mean = real[RECORD * whole[WORDS * parent + FIRST]! + SUM]! / whole[WORDS * parent + CHILDREN]!;
  return real[RECORD * parent + SCALE]! + (mean === 1 ? 0 : log(mean));
}
