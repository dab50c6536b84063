import type { StateArray } from '../../engine/array/codec.ts';
import { log } from '../../engine/wasm/twins/elementary.ts';

/*
 * A tree as columns: one typed array for each field, doubled when full; states in one slab [capacity, d] for each level.
 * A parent is always born before its children, so one pass in the order of ids goes from the top down.
 */

export const INTEGERS = ['parent', 'children', 'heapRoot', 'visits', 'slot', 'pending'] as const;
export const REALS = ['value', 'spread', 'edge'] as const;

/*
 * What a node holds as one of its siblings lies together, since on the way through a heap all of it is wanted: 6 reals, of which
 * the last two are 4 integers.
 */
export const HEAP = 6;
/** Of the heap below a node: log sum exp(g + u), log sum w exp(g + u), sum w; and g + u of the node itself. */
export const SUM = 0;
export const WEIGHTED = 1;
export const WEIGHT = 2;
export const OWN = 3;
/** The same by integers: links, -1 where there is none; and how many nodes are in the heap below. */
export const LINKS = 12;
export const LEFT = 8;
export const RIGHT = 9;
export const ABOVE = 10;
export const SIZE = 11;

type IntegerName = (typeof INTEGERS)[number];
type RealName = (typeof REALS)[number];

/**
 * The nodes, columns of [capacity]; of which `nodes` are used. Node 0 is the root.
 * - `value` u = lambda v; `spread` rho, the relative variance of a value; `edge` g
 * - `heap` [capacity, HEAP], and its integers `links` [capacity, LINKS]; w = 1 / (1 + rho). `heapRoot`: -1 without children
 * - `slot`: row of the state in the slab of its level; `pending`: children on their way, not yet nodes
 */
export interface TreeArena extends Record<IntegerName, Int32Array>, Record<RealName, Float64Array> {
  readonly dimension: number;
  heap: Float64Array;
  links: Int32Array;
  level: Uint16Array;
  nodes: number;
  /** By level, 0 to D: states [capacity, d], and how many there are; leaves all are at level 0. */
  readonly slabs: Float64Array[];
  readonly filled: Float64Array;
  /** By slot of level 0: the node, r, and the log of the importance weights that came to it. */
  leaf: Int32Array;
  reward: Float64Array;
  mass: Float64Array;
}

/** Bytes of a node besides its state. */
export const NODE_BYTES: number = 4 * INTEGERS.length + 8 * (REALS.length + HEAP) + 2;

const FIRST_CAPACITY = 256;
const EMPTY = new Float64Array(0);

/** A root and room for some nodes. */
export function makeArena(dimension: number, steps: number): TreeArena {
  const capacity = FIRST_CAPACITY;
  const integers = Object.fromEntries(INTEGERS.map((name) => [name, new Int32Array(capacity)]));
  const reals = Object.fromEntries(REALS.map((name) => [name, new Float64Array(capacity)]));
  const arena: TreeArena = {
    ...(integers as Record<IntegerName, Int32Array>),
    ...(reals as Record<RealName, Float64Array>),
    dimension,
    ...openHeap(capacity),
    level: new Uint16Array(capacity),
    nodes: 0,
    slabs: Array.from({ length: steps + 1 }, () => EMPTY),
    filled: new Float64Array(steps + 1),
    leaf: new Int32Array(16),
    reward: new Float64Array(16),
    mass: new Float64Array(16),
  };
  bear(arena, -1, steps + 1);
  return arena;
}

function openHeap(capacity: number): Pick<TreeArena, 'heap' | 'links'> {
  const heap = new Float64Array(HEAP * capacity);
  return { heap, links: new Int32Array(heap.buffer) };
}

/** A node without a state, visited once, of value -Infinity. */
function bear(arena: TreeArena, parent: number, level: number): number {
  const id = arena.nodes;
  if (id === arena.parent.length) {
    for (const name of INTEGERS) arena[name] = twice(arena[name]);
    for (const name of REALS) arena[name] = twice(arena[name]);
    arena.level = twice(arena.level);
    const { links } = arena;
    Object.assign(arena, openHeap(2 * id));
    arena.links.set(links);
  }
  arena.nodes = id + 1;
  arena.parent[id] = parent;
  arena.level[id] = level;
  arena.heapRoot[id] = -1;
  const link = LINKS * id;
  arena.links[link + LEFT] = -1;
  arena.links[link + RIGHT] = -1;
  arena.links[link + ABOVE] = -1;
  arena.slot[id] = -1;
  arena.visits[id] = 1;
  arena.value[id] = -Infinity;
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
  const id = bear(arena, parent, level);
  const slot = filled[level]!;
  if (slot * d === slabs[level]!.length)
    slabs[level] = slot === 0 ? new Float64Array(16 * d) : twice(slabs[level]!);
  const slab = slabs[level]!;
  for (let c = 0; c < d; c++) slab[slot * d + c] = x[row * d + c]!;
  filled[level] = slot + 1;
  arena.slot[id] = slot;
  arena.edge[id] = edge;
  if (level === 0) addLeaf(arena, id, slot);
  return id;
}

function addLeaf(arena: TreeArena, id: number, slot: number): void {
  if (slot === arena.leaf.length) {
    arena.leaf = twice(arena.leaf);
    arena.reward = twice(arena.reward);
    arena.mass = twice(arena.mass);
  }
  arena.leaf[slot] = id;
  arena.mass[slot] = -Infinity;
}

function twice<A extends StateArray | Uint16Array>(array: A): A {
  const larger = new (array.constructor as new (length: number) => A)(2 * array.length);
  larger.set(array);
  return larger;
}

/** Copies of what is used of every column. */
export function saveArena(arena: TreeArena): Record<string, StateArray> {
  const { nodes, filled, dimension: d } = arena;
  const leaves = filled[0]!;
  const saved: Record<string, StateArray> = {
    filled: filled.slice(),
    level: Int32Array.from(arena.level.subarray(0, nodes)),
  };
  for (const name of [...INTEGERS, ...REALS]) saved[name] = arena[name].slice(0, nodes);
  saved.links = arena.links.slice(0, LINKS * nodes);
  for (const [k, slab] of arena.slabs.entries())
    if (filled[k]! > 0) saved[`slab${k}`] = slab.slice(0, filled[k]! * d);
  saved.leaf = arena.leaf.slice(0, leaves);
  saved.reward = arena.reward.slice(0, leaves);
  saved.mass = arena.mass.slice(0, leaves);
  return saved;
}

/** A tree as `saveArena` left it. */
export function restoreArena(
  dimension: number,
  steps: number,
  saved: Readonly<Record<string, StateArray>>,
): TreeArena {
  const arena = makeArena(dimension, steps);
  const nodes = saved.parent!.length;
  const room = powerOfTwo(nodes, FIRST_CAPACITY);
  for (const name of INTEGERS) arena[name] = placed(new Int32Array(room), saved[name]!);
  for (const name of REALS) arena[name] = placed(new Float64Array(room), saved[name]!);
  arena.level = placed(new Uint16Array(room), saved.level!);
  Object.assign(arena, openHeap(room));
  arena.links.set(saved.links as Int32Array);
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

function placed<A extends StateArray | Uint16Array>(room: A, values: StateArray): A {
  room.set(values);
  return room;
}

function powerOfTwo(count: number, least: number): number {
  let room = least;
  while (room < count) room *= 2;
  return room;
}

/** Sum of w over the children of a node. */
export function childrenWeight({ heap, heapRoot }: TreeArena, parent: number): number {
  return heap[HEAP * heapRoot[parent]! + WEIGHT]!;
}

/** log of the mean of exp(g + u) over the children of a node, by w. */
export function childrenValue({ heap, heapRoot }: TreeArena, parent: number): number {
  const top = HEAP * heapRoot[parent]!;
  return heap[top + WEIGHTED]! - log(heap[top + WEIGHT]!);
}
