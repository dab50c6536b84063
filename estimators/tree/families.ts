/*
 * Siblings side by side. A family of two or more has a block of 2^j entries, the k-th child in entry `base` + k; it moves to one
 * of twice the size when it is full, and its old one is for the next family of that size. Going up and down a heap of siblings
 * so is a way along a few lines of memory, whatever lies between the births of children. What a tree does not keep has no room.
 */

/** Reals of an entry of `sums`: exp(g + u - c) of the child, and its sum over the heap below the child, itself among them. */
export const PLAIN = 2;
export const OWN = 0;
export const SUM = 1;
/** Of `weights`: the former again; rho; and sums of w exp(g + u - c) and of w, w = 1 / (1 + rho). */
export const WEIGHING = 4;
export const RHO = 1;
export const WEIGHTED = 2;
export const WEIGHT = 3;

/** Which sums a tree keeps: without w, as of children that all weigh alike; with w; or both. */
export type Kept = 'plain' | 'weighted' | 'both';

export interface Families {
  kept: Kept;
  /** [entries, 2] and [entries, 4]; empty where they are not kept. */
  sums: Float64Array;
  weights: Float64Array;
  /** [entries] nodes; in entry 0 of a block that is free, the next one of its size. */
  child: Int32Array;
  /** Entries up to the end of the last block. */
  used: number;
  /** By the log2 of the size: a free block; 0 where there is none, as no block begins there. */
  readonly free: Int32Array;
}

/** Bytes of an entry of the trees that take most, but for those that keep both sums. */
export const ENTRY_BYTES: number = 8 * WEIGHING + 4;

/** Of two or three children. */
const LEAST = 4;
const FIRST_ROOM = 256;

export function openFamilies(kept: Kept, room: number = FIRST_ROOM): Families {
  return { kept, ...columns(kept, room), used: LEAST, free: new Int32Array(32) };
}

function columns(kept: Kept, room: number): Pick<Families, 'sums' | 'weights' | 'child'> {
  return {
    sums: new Float64Array(kept === 'weighted' ? 0 : PLAIN * room),
    weights: new Float64Array(kept === 'plain' ? 0 : WEIGHING * room),
    child: new Int32Array(room),
  };
}

/** Keep other sums from here on. Those that were not kept so far are 0 until their families are added up. */
export function keep(families: Families, kept: Kept): void {
  if (kept === families.kept || families.kept === 'both') return;
  const { sums, weights, child } = families;
  const room = columns('both', child.length);
  families.kept = 'both';
  families.sums = sums.length > 0 ? sums : room.sums;
  families.weights = weights.length > 0 ? weights : room.weights;
}

/** A block for two or three children. */
export function openBlock(families: Families): number {
  return take(families, LEAST);
}

/** Twice the room for the family in the block at `base` of `size` entries. @returns where it is now. */
export function widen(families: Families, base: number, size: number): number {
  if (base + size === families.used) {
    reserve(families, size);
    families.used += size;
    return base;
  }
  const to = take(families, 2 * size);
  const { sums, weights, child } = families;
  for (let k = 1; k < size; k++) child[to + k] = child[base + k]!;
  if (sums.length > 0) copyReals(sums, PLAIN * base, PLAIN * to, PLAIN * size);
  if (weights.length > 0) copyReals(weights, WEIGHING * base, WEIGHING * to, WEIGHING * size);
  giveBack(families, base, size);
  return to;
}

/** Numbers from which on a block of memory is copied at once. */
const LONG = 64;

function copyReals(column: Float64Array, from: number, to: number, count: number): void {
  if (count >= LONG) column.copyWithin(to, from, from + count);
  else for (let i = 0; i < count; i++) column[to + i] = column[from + i]!;
}

/** The block of a family of `count` children that are not there any more. */
export function closeBlock(families: Families, base: number, count: number): void {
  giveBack(families, base, Math.max(LEAST, 2 << (31 - Math.clz32(count))));
}

function giveBack({ child, free }: Families, base: number, size: number): void {
  const power = 31 - Math.clz32(size);
  child[base] = free[power]!;
  free[power] = base;
}

function take(families: Families, size: number): number {
  const power = 31 - Math.clz32(size);
  const base = families.free[power]!;
  if (base > 0) {
    families.free[power] = families.child[base]!;
    return base;
  }
  reserve(families, size);
  families.used += size;
  return families.used - size;
}

/** Entries from which on room is taken further ahead: what is not written yet costs no memory. */
const MANY = 2 ** 16;

/** Room for `more` entries after the last block. */
function reserve(families: Families, more: number): void {
  const { kept, used, sums, weights, child } = families;
  if (used + more <= child.length) return;
  let room = child.length;
  while (room < used + more) room *= room < MANY ? 2 : 4;
  Object.assign(families, columns(kept, room));
  if (sums.length > 0) families.sums.set(sums.subarray(0, PLAIN * used));
  if (weights.length > 0) families.weights.set(weights.subarray(0, WEIGHING * used));
  families.child.set(child.subarray(0, used));
}
