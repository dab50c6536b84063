import { exp, log } from '../../engine/wasm/twins/elementary.ts';
import {
  CHILDREN,
  EDGE,
  FAMILY,
  NUMBER,
  PARENT,
  RECORD,
  SCALE,
  SPREAD,
  type TreeArena,
  VALUE,
  WORDS,
} from './arena.ts';
import {
  type Families,
  OWN,
  openBlock,
  PLAIN,
  RHO,
  SUM,
  WEIGHING,
  WEIGHT,
  WEIGHTED,
  widen,
} from './families.ts';

/*
 * The children of a node form a binary heap by their number k = 1, 2, ..: the k-th sits below the (k >> 1)-th. Each holds what
 * its part of the heap adds up to, always added up anew from below and never subtracted, so nothing drifts. Insertion, a
 * changed value and a draw cost O(log k).
 *
 * Sums are of exp(g + u - c), with a c for each family that stays as long as the numbers fit: one exponential for a changed
 * child, and none for a draw. An only child, of which most are, has no entry: its c is its g + u.
 */

/** Differences g + u - c above which, and sums below which, a family gets another c. */
const HIGH = 200;
const LOW = 1e-100;

/** Make `child` the last child of its parent. What the heap adds up to follows with `refresh`. */
export function linkChild(arena: TreeArena, child: number): void {
  const { whole, families } = arena;
  const word = WORDS * whole[WORDS * child + PARENT]!;
  const k = whole[word + CHILDREN]! + 1;
  whole[word + CHILDREN] = k;
  whole[WORDS * child + NUMBER] = k;
  if (k === 1) {
    whole[word + FAMILY] = child;
    return;
  }
  if (k === 2) {
    const only = whole[word + FAMILY]!;
    whole[word + FAMILY] = openBlock(families);
    enterOnly(arena, whole[word + FAMILY]! + 1, only);
  } else if ((k & (k - 1)) === 0) whole[word + FAMILY] = widen(families, whole[word + FAMILY]!, k);
  const entry = whole[word + FAMILY]! + k;
  families.child[entry] = child;
  setEntry(families, entry, 0, 0);
  setSums(families, entry, 0, 0, 0);
}

/** An only child gets an entry: it has a sibling now. */
function enterOnly(arena: TreeArena, entry: number, child: number): void {
  const { real, families } = arena;
  const rho = real[RECORD * child + SPREAD]!;
  const weight = 1 / (1 + rho);
  const own = onlyOwn(arena, child);
  families.child[entry] = child;
  setEntry(families, entry, own, rho);
  setSums(families, entry, own, weight * own, weight);
}

/** exp(g + u - c) of an only child. */
export function onlyOwn(arena: TreeArena, child: number): number {
  return loggedWorth(arena, child) > -Infinity && arena.real[RECORD * child + SPREAD]! < Infinity ? 1 : 0;
}

/** What an entry says of its child alone. */
export function setEntry({ sums, weights }: Families, entry: number, own: number, rho: number): void {
  if (sums.length > 0) sums[PLAIN * entry + OWN] = own;
  if (weights.length === 0) return;
  weights[WEIGHING * entry + OWN] = own;
  weights[WEIGHING * entry + RHO] = rho;
}

/** What an entry says of its part of the heap. */
export function setSums(
  { sums, weights }: Families,
  entry: number,
  sum: number,
  weighted: number,
  weight: number,
): void {
  if (sums.length > 0) sums[PLAIN * entry + SUM] = sum;
  if (weights.length === 0) return;
  weights[WEIGHING * entry + WEIGHTED] = weighted;
  weights[WEIGHING * entry + WEIGHT] = weight;
}

/** The k-th child, k from 1. */
export function childAt({ whole, families }: TreeArena, parent: number, k: number): number {
  const word = WORDS * parent;
  const family = whole[word + FAMILY]!;
  return whole[word + CHILDREN] === 1 ? family : families.child[family + k]!;
}

/** Add up anew from `child`, whose value, spread or edge is new, to the top of its heap, or to a part that stays as it was. */
export function refresh(arena: TreeArena, parent: number, child: number): void {
  const { whole, families } = arena;
  const word = WORDS * parent;
  const count = whole[word + CHILDREN]!;
  const own = ownOf(arena, parent, child);
  if (own < 0) return;
  const { sums, weights } = families;
  const base = whole[word + FAMILY]!;
  const number = whole[WORDS * child + NUMBER]!;
  setEntry(families, base + number, own, arena.real[RECORD * child + SPREAD]!);
  for (let k = number; k > 0; k >>= 1) {
    const plain = PLAIN * (base + k);
    const here = WEIGHING * (base + k);
    const [a, b, c] = [sums[plain + SUM]!, weights[here + WEIGHTED]!, weights[here + WEIGHT]!];
    addUp(families, base, k, count);
    if (sums[plain + SUM] === a && weights[here + WEIGHTED] === b && weights[here + WEIGHT] === c) return;
  }
  raise(arena, parent, weights[WEIGHING * (base + 1) + WEIGHTED]!);
}

/** The same where all spreads are 0, so that both sums are one. */
export function refreshPlain(arena: TreeArena, parent: number, child: number): void {
  const { whole, families } = arena;
  const word = WORDS * parent;
  const count = whole[word + CHILDREN]!;
  const own = ownOf(arena, parent, child);
  if (own < 0) return;
  const { sums } = families;
  const base = whole[word + FAMILY]!;
  const number = whole[WORDS * child + NUMBER]!;
  sums[PLAIN * (base + number) + OWN] = own;
  let total = 0;
  for (let k = number; k > 0; k >>= 1) {
    const here = PLAIN * (base + k);
    total = sums[here + OWN]!;
    if (2 * k <= count) {
      const left = PLAIN * (base + 2 * k) + SUM;
      total += sums[left]! + (2 * k < count ? sums[left + PLAIN]! : 0);
    }
    if (total === sums[here + SUM]) return;
    sums[here + SUM] = total;
  }
  raise(arena, parent, total);
}

/** The same without the sum that ignores w, which planned children have no use for. */
export function refreshPlanned(arena: TreeArena, parent: number, child: number): void {
  const { whole, families } = arena;
  const word = WORDS * parent;
  const count = whole[word + CHILDREN]!;
  const own = ownOf(arena, parent, child);
  if (own < 0) return;
  const { weights } = families;
  const base = whole[word + FAMILY]!;
  const number = whole[WORDS * child + NUMBER]!;
  weights[WEIGHING * (base + number) + OWN] = own;
  weights[WEIGHING * (base + number) + RHO] = arena.real[RECORD * child + SPREAD]!;
  let total = 0;
  for (let k = number; k > 0; k >>= 1) {
    const here = WEIGHING * (base + k);
    let weight = 1 / (1 + weights[here + RHO]!);
    total = weight * weights[here + OWN]!;
    if (2 * k <= count) {
      const left = WEIGHING * (base + 2 * k);
      const right = left + WEIGHING;
      const both = 2 * k < count;
      total += weights[left + WEIGHTED]! + (both ? weights[right + WEIGHTED]! : 0);
      weight += weights[left + WEIGHT]! + (both ? weights[right + WEIGHT]! : 0);
    }
    if (total === weights[here + WEIGHTED] && weight === weights[here + WEIGHT]) return;
    weights[here + WEIGHTED] = total;
    weights[here + WEIGHT] = weight;
  }
  raise(arena, parent, total);
}

/**
 * exp(g + u - c) of one of several children, 0 where it has no weight yet.
 * @returns -1 where nothing is left to be added up: of an only child, and where that took another c.
 */
function ownOf(arena: TreeArena, parent: number, child: number): number {
  const { real, whole } = arena;
  const log = loggedWorth(arena, child);
  const scale = RECORD * parent + SCALE;
  if (whole[WORDS * parent + CHILDREN] === 1) {
    real[scale] = log;
    return -1;
  }
  if (!(log > -Infinity && real[RECORD * child + SPREAD]! < Infinity)) return 0;
  const above = log - real[scale]!;
  if (above <= HIGH) return above === 0 ? 1 : exp(above);
  sumFamily(arena, parent);
  return -1;
}

/** g + u of a child. */
function loggedWorth({ real, edges }: Pick<TreeArena, 'real' | 'edges'>, child: number): number {
  return real[RECORD * child + VALUE]! + (edges ? real[RECORD * child + EDGE]! : 0);
}

/** Another c for a family whose sum has become small, unless nothing in it has any weight. */
function raise(arena: TreeArena, parent: number, sum: number): void {
  if (sum < LOW && arena.real[RECORD * parent + SCALE]! > -Infinity) sumFamily(arena, parent);
}

/** Add up anew all children of a node, with the largest g + u as c. */
export function sumFamily(arena: TreeArena, parent: number): void {
  const { real, whole, families } = arena;
  const count = whole[WORDS * parent + CHILDREN]!;
  let most = -Infinity;
  for (let k = 1; k <= count; k++) {
    const child = childAt(arena, parent, k);
    const log = loggedWorth(arena, child);
    if (log > most && real[RECORD * child + SPREAD]! < Infinity) most = log;
  }
  real[RECORD * parent + SCALE] = most;
  if (count === 1) return;
  const base = whole[WORDS * parent + FAMILY]!;
  for (let k = count; k >= 1; k--) {
    const child = families.child[base + k]!;
    const log = loggedWorth(arena, child);
    const rho = real[RECORD * child + SPREAD]!;
    setEntry(families, base + k, log > -Infinity && rho < Infinity ? exp(log - most) : 0, rho);
    addUp(families, base, k, count);
  }
}

/** All sums of what is below the k-th child in its heap. */
function addUp({ sums, weights }: Families, base: number, k: number, count: number): void {
  const [one, both] = [2 * k <= count, 2 * k < count];
  if (sums.length > 0) {
    const here = PLAIN * (base + k);
    const left = PLAIN * (base + 2 * k) + SUM;
    sums[here + SUM] = sums[here + OWN]! + ((one ? sums[left]! : 0) + (both ? sums[left + PLAIN]! : 0));
  }
  if (weights.length === 0) return;
  const here = WEIGHING * (base + k);
  const left = WEIGHING * (base + 2 * k);
  const right = left + WEIGHING;
  const weight = 1 / (1 + weights[here + RHO]!);
  weights[here + WEIGHTED] =
    weight * weights[here + OWN]! +
    ((one ? weights[left + WEIGHTED]! : 0) + (both ? weights[right + WEIGHTED]! : 0));
  weights[here + WEIGHT] =
    weight + ((one ? weights[left + WEIGHT]! : 0) + (both ? weights[right + WEIGHT]! : 0));
}

/** Sum of w over the children of a node. */
export function childrenWeight({ real, whole, families }: TreeArena, parent: number): number {
  const count = whole[WORDS * parent + CHILDREN]!;
  const { weights } = families;
  if (weights.length === 0 || count === 0) return count;
  const family = whole[WORDS * parent + FAMILY]!;
  return count === 1 ? 1 / (1 + real[RECORD * family + SPREAD]!) : weights[WEIGHING * (family + 1) + WEIGHT]!;
}

/** log of the mean of exp(g + u) over the children of a node, by w. */
export function childrenValue(arena: TreeArena, parent: number): number {
  const { real, whole } = arena;
  const { weights } = arena.families;
  if (weights.length === 0 || whole[WORDS * parent + CHILDREN]! < 2) return plainValue(arena, parent);
  const top = WEIGHING * (whole[WORDS * parent + FAMILY]! + 1);
  const mean = weights[top + WEIGHTED]! / weights[top + WEIGHT]!;
  return real[RECORD * parent + SCALE]! + (mean === 1 ? 0 : log(mean));
}

/** The same where all w are 1. */
export function plainValue({ real, whole, families }: TreeArena, parent: number): number {
  const count = whole[WORDS * parent + CHILDREN]!;
  const scale = real[RECORD * parent + SCALE]!;
  if (count < 2) return scale + 0;
  const mean = families.sums[PLAIN * (whole[WORDS * parent + FAMILY]! + 1) + SUM]! / count;
  return scale + (mean === 1 ? 0 : log(mean));
}

/** exp(g + u) of a child over its mean by w. */
export function worthOf({ whole, families }: TreeArena, parent: number, child: number): number {
  if (whole[WORDS * parent + CHILDREN] === 1) return 1;
  const { weights } = families;
  const base = whole[WORDS * parent + FAMILY]!;
  const top = WEIGHING * (base + 1);
  const own = weights[WEIGHING * (base + whole[WORDS * child + NUMBER]!) + OWN]!;
  return (own * weights[top + WEIGHT]!) / weights[top + WEIGHTED]!;
}

const BELOW_ONE = 1 - 2 ** -53;

/**
 * A child with probability proportional to exp(g + u), times w when `weighted`; any alike when all of these are 0.
 * @param u uniform in (0, 1).
 */
export function drawByValue(arena: TreeArena, parent: number, u: number, weighted: boolean): number {
  const { whole, families } = arena;
  const count = whole[WORDS * parent + CHILDREN]!;
  const base = whole[WORDS * parent + FAMILY]!;
  if (count === 1) return base;
  const column = weighted ? families.weights : families.sums;
  const [width, sum] = weighted ? [WEIGHING, WEIGHTED] : [PLAIN, SUM];
  const all = column[width * (base + 1) + sum]!;
  if (all === 0) return drawAlike(arena, parent, u);
  let rest = u * all;
  for (let k = 1; ; ) {
    const here = width * (base + k);
    const own = column[here + OWN]!;
    rest -= weighted ? own / (1 + column[here + RHO]!) : own;
    if (rest < 0 || 2 * k > count) return families.child[base + k]!;
    const left = width * (base + 2 * k) + sum;
    const toLeft = column[left]!;
    k = 2 * k;
    if (rest < toLeft) continue;
    if (k < count && column[left + width]! > 0) {
      rest -= toLeft;
      k++;
    } else if (toLeft > 0) {
      // By rounding alone.
      rest = toLeft * BELOW_ONE;
    } else return families.child[base + (k >> 1)]!;
  }
}

/** A child with probability proportional to 1 - w: by how little is known of it. */
export function drawBySpread({ whole, families }: TreeArena, parent: number, u: number): number {
  const count = whole[WORDS * parent + CHILDREN]!;
  const base = whole[WORDS * parent + FAMILY]!;
  if (count === 1) return base;
  const { weights, child } = families;
  let rest = u * (count - weights[WEIGHING * (base + 1) + WEIGHT]!);
  for (let k = 1; ; ) {
    const rho = weights[WEIGHING * (base + k) + RHO]!;
    rest -= rho / (1 + rho);
    if (rest < 0 || 2 * k > count) return child[base + k]!;
    const left = WEIGHING * (base + 2 * k) + WEIGHT;
    const toLeft = sizeBelow(2 * k, count) - weights[left]!;
    const toRight = 2 * k === count ? 0 : sizeBelow(2 * k + 1, count) - weights[left + WEIGHING]!;
    if (toLeft <= 0 && toRight <= 0) return child[base + k]!;
    if (toRight <= 0 || rest < toLeft) {
      rest = Math.min(rest, toLeft * BELOW_ONE);
      k = 2 * k;
    } else {
      rest = Math.min(rest - toLeft, toRight * BELOW_ONE);
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
  let best = childAt(arena, parent, 1);
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
