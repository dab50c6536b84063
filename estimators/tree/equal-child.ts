import { LEVEL, PARENT, SLOT, type TreeArena, WORDS } from './arena.ts';

/*
 * Children of a chain that merges them, found by their states: a look at each child of a root of thousands would cost more than
 * all the rest of an iteration. A table by hashes of parent and state, open and linear, at most half full. It is no part of a
 * saved run; a tree that was restored gets another.
 */

interface Table {
  /** Nodes by hash; 0, the root, where there is none. */
  slots: Int32Array;
  /** Nodes that are in it. */
  nodes: number;
}

const tables = /* @__PURE__ */ new WeakMap<TreeArena, Table>();
const FIRST_SLOTS = 256;

const real = new Float64Array(1);
const words = new Int32Array(real.buffer);

/** 32 bits. */
function hashOf(parent: number, level: number, x: Float64Array, row: number, d: number): number {
  let h = Math.imul(parent ^ 0x9e3779b9, 0x85ebca6b) ^ level;
  for (let at = row * d; at < (row + 1) * d; at++) {
    // -0 and 0 are equal.
    real[0] = x[at]! + 0;
    h = Math.imul(h ^ (h >>> 15) ^ words[0]!, 0x2c1b3c6d);
    h = Math.imul(h ^ (h >>> 13) ^ words[1]!, 0x297a2d39);
  }
  return h ^ (h >>> 16);
}

/** A child of `parent` with the state in row `row` of `x`; -1 where there is none. */
export function equalChild(
  arena: TreeArena,
  parent: number,
  level: number,
  x: Float64Array,
  row: number,
): number {
  const { dimension: d, whole, slabs } = arena;
  const { slots } = tableOf(arena);
  const last = slots.length - 1;
  for (let at = hashOf(parent, level, x, row, d) & last; ; at = (at + 1) & last) {
    const child = slots[at]!;
    if (child === 0) return -1;
    const word = WORDS * child;
    if (whole[word + PARENT] !== parent || whole[word + LEVEL] !== level) continue;
    if (same(slabs[level]!, whole[word + SLOT]!, x, row, d)) return child;
  }
}

function same(a: Float64Array, i: number, b: Float64Array, j: number, d: number): boolean {
  for (let c = 0; c < d; c++) if (a[i * d + c] !== b[j * d + c]) return false;
  return true;
}

/** With all nodes of a tree in it. */
function tableOf(arena: TreeArena): Table {
  let table = tables.get(arena);
  if (table === undefined) {
    table = { slots: new Int32Array(FIRST_SLOTS), nodes: 1 };
    tables.set(arena, table);
  }
  if (2 * arena.nodes > table.slots.length) {
    let room = table.slots.length;
    while (2 * arena.nodes > room) room *= 4;
    table.slots = new Int32Array(room);
    table.nodes = 1;
  }
  for (; table.nodes < arena.nodes; table.nodes++) enter(arena, table.slots, table.nodes);
  return table;
}

function enter({ dimension: d, whole, slabs }: TreeArena, slots: Int32Array, id: number): void {
  const word = WORDS * id;
  const level = whole[word + LEVEL]!;
  const last = slots.length - 1;
  let at = hashOf(whole[word + PARENT]!, level, slabs[level]!, whole[word + SLOT]!, d) & last;
  while (slots[at] !== 0) at = (at + 1) & last;
  slots[at] = id;
}
