import { exp } from '../../engine/wasm/twins/elementary.ts';
import {
  ABOVE,
  CHILDREN,
  edgeOf,
  FIRST,
  LEFT,
  OWN,
  PARENT,
  RECORD,
  RIGHT,
  SCALE,
  SPREAD,
  SUM,
  type TreeArena,
  VALUE,
  WEIGHT,
  WEIGHTED,
  WORDS,
} from './arena.ts';

/*
 * The children of a node form a binary heap by their number k = 1, 2, ..: the k-th sits below the (k >> 1)-th. Each holds what
 * its part of the heap adds up to, always added up anew from below and never subtracted, so nothing drifts. Insertion, a
 * changed value and a draw cost O(log k).
 *
 * Sums are of exp(g + u - c), with a c for each family that stays as long as the numbers fit: one exponential for a changed
 * child, and none for a draw. A sibling that is not there is node 0, whose sums are 0.
 */

/** Differences g + u - c above which, and sums below which, a family gets another c. */
const HIGH = 200;
const LOW = 1e-100;

/** Make `child` the last child of its parent. What the heap adds up to follows with `refresh`. */
export function linkChild(arena: TreeArena, child: number): void {
  const { whole } = arena;
  const parent = whole[WORDS * child + PARENT]!;
  const k = whole[WORDS * parent + CHILDREN]! + 1;
  whole[WORDS * parent + CHILDREN] = k;
  if (k === 1) {
    whole[WORDS * parent + FIRST] = child;
    return;
  }
  const above = childAt(arena, parent, k >> 1);
  whole[WORDS * child + ABOVE] = above;
  whole[WORDS * above + LEFT + (k & 1)] = child;
}

/** The k-th child, k from 1: below its leading 1, the bits of k say left or right. */
export function childAt({ whole }: TreeArena, parent: number, k: number): number {
  let at = whole[WORDS * parent + FIRST]!;
  for (let bit = 30 - Math.clz32(k); bit >= 0; bit--) at = whole[WORDS * at + LEFT + ((k >> bit) & 1)]!;
  return at;
}

/** Add up anew from `child`, whose value, spread or edge is new, to the top of its heap, or to a part that stays as it was. */
export function refresh(arena: TreeArena, child: number): void {
  const { real, whole } = arena;
  const parent = whole[WORDS * child + PARENT]!;
  if (!setOwn(arena, parent, child)) return;
  for (let at = child; at !== 0; at = whole[WORDS * at + ABOVE]!) {
    const here = RECORD * at;
    const [a, b, c] = [real[here + SUM]!, real[here + WEIGHTED]!, real[here + WEIGHT]!];
    addUp(arena, at);
    if (real[here + SUM] === a && real[here + WEIGHTED] === b && real[here + WEIGHT] === c) return;
  }
  raise(arena, parent, real[RECORD * whole[WORDS * parent + FIRST]! + WEIGHTED]!);
}

/** The same where all spreads are 0, so that both sums are one: `SUM` is kept alone, and the weight of the whole family. */
export function refreshPlain(arena: TreeArena, child: number): void {
  const { real, whole } = arena;
  const parent = whole[WORDS * child + PARENT]!;
  real[RECORD * whole[WORDS * parent + FIRST]! + WEIGHT] = whole[WORDS * parent + CHILDREN]!;
  if (!setOwn(arena, parent, child)) return;
  let total = 0;
  for (let at = child; at !== 0; at = whole[WORDS * at + ABOVE]!) {
    const here = RECORD * at;
    const left = whole[WORDS * at + LEFT]!;
    total = real[here + OWN]!;
    if (left !== 0) total += real[RECORD * left + SUM]! + real[RECORD * whole[WORDS * at + RIGHT]! + SUM]!;
    if (total === real[here + SUM]) return;
    real[here + SUM] = total;
  }
  raise(arena, parent, total);
}

/** The same without the sum that ignores w, which planned children have no use for. */
export function refreshPlanned(arena: TreeArena, child: number): void {
  const { real, whole } = arena;
  const parent = whole[WORDS * child + PARENT]!;
  if (!setOwn(arena, parent, child)) return;
  let total = 0;
  for (let at = child; at !== 0; at = whole[WORDS * at + ABOVE]!) {
    const here = RECORD * at;
    const left = whole[WORDS * at + LEFT]!;
    let weight = 1 / (1 + real[here + SPREAD]!);
    total = weight * real[here + OWN]!;
    if (left !== 0) {
      const l = RECORD * left;
      const r = RECORD * whole[WORDS * at + RIGHT]!;
      total += real[l + WEIGHTED]! + real[r + WEIGHTED]!;
      weight += real[l + WEIGHT]! + real[r + WEIGHT]!;
    }
    if (total === real[here + WEIGHTED] && weight === real[here + WEIGHT]) return;
    real[here + WEIGHTED] = total;
    real[here + WEIGHT] = weight;
  }
  raise(arena, parent, total);
}

/**
 * exp(g + u - c) of a child, 0 where it has no weight yet.
 * @returns false where that took another c, and with it new sums of the whole family.
 */
function setOwn(arena: TreeArena, parent: number, child: number): boolean {
  const { real, whole } = arena;
  const here = RECORD * child;
  const log = real[here + VALUE]! + edgeOf(arena, child);
  if (whole[WORDS * parent + CHILDREN] === 1) real[RECORD * parent + SCALE] = log;
  const above = log - real[RECORD * parent + SCALE]!;
  const counts = log > -Infinity && real[here + SPREAD]! < Infinity;
  if (counts && above > HIGH) {
    sumFamily(arena, parent);
    return false;
  }
  // Only children, of which most are, have exp(0).
  real[here + OWN] = !counts ? 0 : above === 0 ? 1 : exp(above);
  return true;
}

/** Another c for a family whose sum has become small, unless nothing in it has any weight. */
function raise(arena: TreeArena, parent: number, sum: number): void {
  if (sum < LOW && arena.real[RECORD * parent + SCALE]! > -Infinity) sumFamily(arena, parent);
}

/** Add up anew all children of a node, with the largest g + u as c. */
export function sumFamily(arena: TreeArena, parent: number): void {
  const { real, whole } = arena;
  const count = whole[WORDS * parent + CHILDREN]!;
  let most = -Infinity;
  for (let k = 1; k <= count; k++) {
    const child = childAt(arena, parent, k);
    const log = real[RECORD * child + VALUE]! + edgeOf(arena, child);
    if (log > most && real[RECORD * child + SPREAD]! < Infinity) most = log;
  }
  real[RECORD * parent + SCALE] = most;
  for (let k = count; k >= 1; k--) {
    const child = childAt(arena, parent, k);
    const log = real[RECORD * child + VALUE]! + edgeOf(arena, child);
    const counts = log > -Infinity && real[RECORD * child + SPREAD]! < Infinity;
    real[RECORD * child + OWN] = counts ? exp(log - most) : 0;
    addUp(arena, child);
  }
}

/** All sums of what is below `at` in its heap. */
function addUp({ real, whole }: TreeArena, at: number): void {
  const here = RECORD * at;
  const left = RECORD * whole[WORDS * at + LEFT]!;
  const right = RECORD * whole[WORDS * at + RIGHT]!;
  const own = real[here + OWN]!;
  const weight = 1 / (1 + real[here + SPREAD]!);
  real[here + SUM] = own + (real[left + SUM]! + real[right + SUM]!);
  real[here + WEIGHTED] = weight * own + (real[left + WEIGHTED]! + real[right + WEIGHTED]!);
  real[here + WEIGHT] = weight + (real[left + WEIGHT]! + real[right + WEIGHT]!);
}

const BELOW_ONE = 1 - 2 ** -53;

/**
 * A child with probability proportional to exp(g + u), times w when `weighted`; any alike when all of these are 0.
 * @param u uniform in (0, 1).
 */
export function drawByValue(arena: TreeArena, parent: number, u: number, weighted: boolean): number {
  const { real, whole } = arena;
  const which = weighted ? WEIGHTED : SUM;
  let at = whole[WORDS * parent + FIRST]!;
  const all = real[RECORD * at + which]!;
  if (all === 0) return drawAlike(arena, parent, u);
  let rest = u * all;
  for (;;) {
    const here = RECORD * at;
    const own = real[here + OWN]!;
    rest -= weighted ? own / (1 + real[here + SPREAD]!) : own;
    if (rest < 0) return at;
    const left = whole[WORDS * at + LEFT]!;
    if (left === 0) return at;
    const toLeft = real[RECORD * left + which]!;
    if (rest < toLeft) {
      at = left;
      continue;
    }
    const right = whole[WORDS * at + RIGHT]!;
    if (real[RECORD * right + which]! > 0) {
      rest -= toLeft;
      at = right;
    } else if (toLeft > 0) {
      // By rounding alone.
      rest = toLeft * BELOW_ONE;
      at = left;
    } else return at;
  }
}

/** A child with probability proportional to 1 - w: by how little is known of it. */
export function drawBySpread({ real, whole }: TreeArena, parent: number, u: number): number {
  const count = whole[WORDS * parent + CHILDREN]!;
  let at = whole[WORDS * parent + FIRST]!;
  let rest = u * (count - real[RECORD * at + WEIGHT]!);
  for (let k = 1; ; ) {
    const spread = real[RECORD * at + SPREAD]!;
    rest -= spread / (1 + spread);
    const left = whole[WORDS * at + LEFT]!;
    if (rest < 0 || left === 0) return at;
    const right = whole[WORDS * at + RIGHT]!;
    const toLeft = sizeBelow(2 * k, count) - real[RECORD * left + WEIGHT]!;
    const toRight = right === 0 ? 0 : sizeBelow(2 * k + 1, count) - real[RECORD * right + WEIGHT]!;
    if (toLeft <= 0 && toRight <= 0) return at;
    if (toRight <= 0 || rest < toLeft) {
      rest = Math.min(rest, toLeft * BELOW_ONE);
      at = left;
      k = 2 * k;
    } else {
      rest = Math.min(rest - toLeft, toRight * BELOW_ONE);
      at = right;
      k = 2 * k + 1;
    }
  }
}

/** How many of the children 1..count are in the heap below the k-th, itself among them, k <= count. */
function sizeBelow(k: number, count: number): number {
  const row = 1 << (Math.clz32(k) - Math.clz32(count));
  return row - 1 + Math.max(0, Math.min(row, count - k * row + 1));
}

/** Any child alike. */
export function drawAlike(arena: TreeArena, parent: number, u: number): number {
  const count = arena.whole[WORDS * parent + CHILDREN]!;
  return childAt(arena, parent, 1 + Math.min(count - 1, Math.floor(u * count)));
}

/** The child of the largest `score`, the oldest of equals. */
export function largestChild(arena: TreeArena, parent: number, score: (child: number) => number): number {
  const count = arena.whole[WORDS * parent + CHILDREN]!;
  let best = arena.whole[WORDS * parent + FIRST]!;
  let most = score(best);
  for (let k = 2; k <= count; k++) {
    const child = childAt(arena, parent, k);
    const here = score(child);
    if (here > most) {
      best = child;
      most = here;
    }
  }
  return best;
}
