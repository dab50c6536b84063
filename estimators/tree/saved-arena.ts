import type { StateArray } from '../../engine/array/codec.ts';
import {
  CHILDREN,
  EDGE,
  FAMILY,
  FIRST_CAPACITY,
  LEVEL,
  makeArena,
  NUMBER,
  openRecords,
  PARENT,
  PENDING,
  RECORD,
  SCALE,
  SLOT,
  SPREAD,
  type TreeArena,
  VALUE,
  VISITS,
  WORDS,
} from './arena.ts';
import { type Kept, OWN, PLAIN, SUM, WEIGHING, WEIGHT, WEIGHTED } from './families.ts';
import { childAt, linkChild, onlyOwn, setEntry, setSums } from './sibling-heap.ts';

/*
 * A saved record has the sums and the links of a node among its siblings in it, 12 reals or 24 words: by reals, the sum of
 * exp(g + u - c) over its part of the heap, the sums of that and of 1 times w, exp(g + u - c) itself, u, rho and c.
 */
const SAVED_REALS = 12;
const [SAVED_SUM, SAVED_WEIGHTED, SAVED_WEIGHT, SAVED_OWN] = [0, 1, 2, 3] as const;
const [SAVED_VALUE, SAVED_SPREAD, SAVED_SCALE] = [6, 7, 8] as const;
const SAVED_WORDS = 24;
/** Links to siblings, 0 where there is none, and to the first child. */
const [SAVED_LEFT, SAVED_ABOVE, SAVED_FIRST] = [8, 10, 11] as const;
const SAME_REALS = [
  [VALUE, SAVED_VALUE],
  [SPREAD, SAVED_SPREAD],
  [SCALE, SAVED_SCALE],
] as const;
const SAME_WORDS = [
  [VISITS, 18],
  [CHILDREN, 19],
  [PENDING, 20],
  [LEVEL, 21],
  [SLOT, 22],
  [PARENT, 23],
] as const;

/** Copies of what is used of every array. */
export function saveArena(arena: TreeArena): Record<string, StateArray> {
  const { nodes, filled, dimension: d, edges } = arena;
  const leaves = filled[0]!;
  const saved: Record<string, StateArray> = {
    filled: filled.slice(),
    records: recordsOf(arena),
    leaf: arena.leaf.slice(0, leaves),
    reward: arena.reward.slice(0, leaves),
    mass: arena.mass.slice(0, leaves),
  };
  if (edges) saved.edge = Float64Array.from({ length: nodes }, (_, id) => arena.real[RECORD * id + EDGE]!);
  for (const [k, slab] of arena.slabs.entries())
    if (filled[k]! > 0) saved[`slab${k}`] = slab.slice(0, filled[k]! * d);
  return saved;
}

function recordsOf(arena: TreeArena): Int32Array {
  const { nodes, real, whole } = arena;
  const reals = new Float64Array(SAVED_REALS * nodes);
  const words = new Int32Array(reals.buffer);
  for (let id = 0; id < nodes; id++) {
    for (const [own, saved] of SAME_REALS) reals[SAVED_REALS * id + saved] = real[RECORD * id + own]!;
    for (const [own, saved] of SAME_WORDS) words[SAVED_WORDS * id + saved] = whole[WORDS * id + own]!;
    saveLinks(arena, id, words);
    if (id > 0) saveSums(arena, id, reals);
  }
  return words;
}

function saveLinks(arena: TreeArena, id: number, words: Int32Array): void {
  const { whole } = arena;
  if (whole[WORDS * id + CHILDREN]! > 0) words[SAVED_WORDS * id + SAVED_FIRST] = childAt(arena, id, 1);
  const parent = whole[WORDS * id + PARENT]!;
  const k = whole[WORDS * id + NUMBER]!;
  if (k > 1) words[SAVED_WORDS * id + SAVED_ABOVE] = childAt(arena, parent, k >> 1);
  for (const side of [0, 1])
    if (k > 0 && 2 * k + side <= whole[WORDS * parent + CHILDREN]!)
      words[SAVED_WORDS * id + SAVED_LEFT + side] = childAt(arena, parent, 2 * k + side);
}

function saveSums(arena: TreeArena, id: number, reals: Float64Array): void {
  const { real, whole, families } = arena;
  const to = SAVED_REALS * id;
  const parent = WORDS * whole[WORDS * id + PARENT]!;
  const count = whole[parent + CHILDREN]!;
  const k = whole[WORDS * id + NUMBER]!;
  const plain = families.weights.length === 0;
  if (count === 1) {
    const weight = 1 / (1 + real[RECORD * id + SPREAD]!);
    const own = onlyOwn(arena, id);
    reals.set([own, plain ? 0 : weight * own, weight, own], to);
    return;
  }
  const entry = whole[parent + FAMILY]! + k;
  if (families.sums.length > 0) {
    reals[to + SAVED_SUM] = families.sums[PLAIN * entry + SUM]!;
    reals[to + SAVED_OWN] = families.sums[PLAIN * entry + OWN]!;
    // The first child has the weight of the whole family.
    if (plain && k === 1) reals[to + SAVED_WEIGHT] = count;
  }
  if (plain) return;
  reals[to + SAVED_OWN] = families.weights[WEIGHING * entry + OWN]!;
  reals[to + SAVED_WEIGHTED] = families.weights[WEIGHING * entry + WEIGHTED]!;
  reals[to + SAVED_WEIGHT] = families.weights[WEIGHING * entry + WEIGHT]!;
}

/** A tree as `saveArena` left it. */
export function restoreArena(
  dimension: number,
  steps: number,
  saved: Readonly<Record<string, StateArray>>,
  most = 0,
  kept: Kept = 'both',
): TreeArena {
  const arena = makeArena(dimension, steps, most, kept);
  const nodes = saved.records!.length / SAVED_WORDS;
  Object.assign(arena, openRecords(powerOfTwo(nodes, FIRST_CAPACITY)), { nodes });
  placeRecords(arena, saved.records as Int32Array, saved.edge);
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

function placeRecords(arena: TreeArena, records: Int32Array, edge: StateArray | undefined): void {
  const { nodes, real, whole, families } = arena;
  const words = records.slice();
  const reals = new Float64Array(words.buffer);
  arena.edges = edge !== undefined;
  for (let id = 0; id < nodes; id++) {
    for (const [own, from] of SAME_REALS) real[RECORD * id + own] = reals[SAVED_REALS * id + from]!;
    for (const [own, from] of SAME_WORDS) whole[WORDS * id + own] = words[SAVED_WORDS * id + from]!;
    if (edge !== undefined) real[RECORD * id + EDGE] = edge[id]!;
    whole[WORDS * id + CHILDREN] = 0;
    // Siblings have their numbers in the order of their births.
    if (id > 0) linkChild(arena, id);
  }
  for (let id = 1; id < nodes; id++) {
    const parent = WORDS * whole[WORDS * id + PARENT]!;
    if (whole[parent + CHILDREN] === 1) continue;
    const entry = whole[parent + FAMILY]! + whole[WORDS * id + NUMBER]!;
    const from = SAVED_REALS * id;
    setEntry(families, entry, reals[from + SAVED_OWN]!, real[RECORD * id + SPREAD]!);
    setSums(
      families,
      entry,
      reals[from + SAVED_SUM]!,
      reals[from + SAVED_WEIGHTED]!,
      reals[from + SAVED_WEIGHT]!,
    );
  }
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
