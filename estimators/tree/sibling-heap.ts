import { exp, log } from '../../engine/wasm/twins/elementary.ts';
import type { TreeArena } from './arena.ts';

/*
 * The children of a node form a binary heap by their number k = 1, 2, ..: the k-th sits below the (k >> 1)-th. Each holds what
 * its part of the heap adds up to, always added up anew from below and never subtracted, so nothing drifts. Insertion, a
 * changed value and a draw cost O(log k).
 */

/** Make `child` the last child of its parent. What the heap adds up to follows with `refresh`. */
export function linkChild(arena: TreeArena, child: number): void {
  const parent = arena.parent[child]!;
  const k = arena.children[parent]! + 1;
  arena.children[parent] = k;
  if (k === 1) {
    arena.heapRoot[parent] = child;
    return;
  }
  const above = childAt(arena, parent, k >> 1);
  arena.heapParent[child] = above;
  if ((k & 1) === 0) arena.heapLeft[above] = child;
  else arena.heapRight[above] = child;
}

/** The k-th child, k from 1: below its leading 1, the bits of k say left or right. */
export function childAt(arena: TreeArena, parent: number, k: number): number {
  let at = arena.heapRoot[parent]!;
  for (let bit = 30 - Math.clz32(k); bit >= 0; bit--)
    at = ((k >> bit) & 1) === 0 ? arena.heapLeft[at]! : arena.heapRight[at]!;
  return at;
}

/**
 * Add up anew from `child`, whose value, spread or edge is new, to the top of its heap.
 * @returns whether the top changed: an unchanged part is the end.
 */
export function refresh(arena: TreeArena, child: number): boolean {
  const { heapParent, sum, weightedSum, weight, heapSize } = arena;
  for (let at = child; at >= 0; at = heapParent[at]!) {
    const [a, b, c, size] = [sum[at]!, weightedSum[at]!, weight[at]!, heapSize[at]!];
    refreshOne(arena, at);
    if (sum[at] === a && weightedSum[at] === b && weight[at] === c && heapSize[at] === size) return false;
  }
  return true;
}

/** The same where all spreads are 0, so that both sums are one. */
export function refreshPlain(arena: TreeArena, child: number): boolean {
  const { heapLeft, heapRight, heapParent, heapSize, value, edge, sum, weightedSum, weight } = arena;
  for (let at = child; at >= 0; at = heapParent[at]!) {
    const left = heapLeft[at]!;
    const right = heapRight[at]!;
    const own = edge[at]! + value[at]!;
    const total = left < 0 ? own : logAdd(own, sum[left]!, right < 0 ? -Infinity : sum[right]!);
    const size = 1 + (left < 0 ? 0 : heapSize[left]!) + (right < 0 ? 0 : heapSize[right]!);
    if (total === sum[at] && size === heapSize[at]) return false;
    sum[at] = total;
    weightedSum[at] = total;
    weight[at] = size;
    heapSize[at] = size;
  }
  return true;
}

/** The same without `sum`, which planned children have no use for. */
export function refreshPlanned(arena: TreeArena, child: number): boolean {
  const { heapLeft, heapRight, heapParent, heapSize, value, spread, edge, weightedSum, weight } = arena;
  for (let at = child; at >= 0; at = heapParent[at]!) {
    const left = heapLeft[at]!;
    const right = heapRight[at]!;
    const rho = spread[at]!;
    const own = edge[at]! + value[at]! - (rho === 0 ? 0 : log(1 + rho));
    const total =
      left < 0 ? own : logAdd(own, weightedSum[left]!, right < 0 ? -Infinity : weightedSum[right]!);
    const all = 1 / (1 + rho) + (left < 0 ? 0 : weight[left]!) + (right < 0 ? 0 : weight[right]!);
    const size = 1 + (left < 0 ? 0 : heapSize[left]!) + (right < 0 ? 0 : heapSize[right]!);
    if (total === weightedSum[at] && all === weight[at] && size === heapSize[at]) return false;
    weightedSum[at] = total;
    weight[at] = all;
    heapSize[at] = size;
  }
  return true;
}

/** Add up anew what is below `at` in its heap. */
export function refreshOne(arena: TreeArena, at: number): void {
  const { heapLeft, heapRight, heapSize, value, spread, edge, sum, weightedSum, weight } = arena;
  const left = heapLeft[at]!;
  const right = heapRight[at]!;
  const own = edge[at]! + value[at]!;
  const rho = spread[at]!;
  sum[at] = logAdd(own, left < 0 ? -Infinity : sum[left]!, right < 0 ? -Infinity : sum[right]!);
  weightedSum[at] = logAdd(
    rho === 0 ? own : own - log(1 + rho),
    left < 0 ? -Infinity : weightedSum[left]!,
    right < 0 ? -Infinity : weightedSum[right]!,
  );
  weight[at] = 1 / (1 + rho) + (left < 0 ? 0 : weight[left]!) + (right < 0 ? 0 : weight[right]!);
  heapSize[at] = 1 + (left < 0 ? 0 : heapSize[left]!) + (right < 0 ? 0 : heapSize[right]!);
}

/** log(e^a + e^b + e^c); the exponential of the largest over itself is 1, exactly. */
function logAdd(a: number, b: number, c: number): number {
  if (a >= b && a >= c) {
    if (b === -Infinity && c === -Infinity) return a;
    return a + log(1 + exp(b - a) + exp(c - a));
  }
  if (b >= c) return b + log(exp(a - b) + 1 + exp(c - b));
  return c + log(exp(a - c) + exp(b - c) + 1);
}

const BELOW_ONE = 1 - 2 ** -53;

/**
 * A child with probability proportional to exp(g + u), times w when `weighted`; any alike when all of these are 0.
 * @param u uniform in (0, 1).
 */
export function drawByValue(arena: TreeArena, parent: number, u: number, weighted: boolean): number {
  const { heapLeft, heapRight, value, edge, spread } = arena;
  const sums = weighted ? arena.weightedSum : arena.sum;
  let at = arena.heapRoot[parent]!;
  if (sums[at] === -Infinity) return drawAlike(arena, parent, u);
  let rest = u;
  for (;;) {
    const all = sums[at]!;
    const here = exp(edge[at]! + value[at]! - (weighted ? log(1 + spread[at]!) : 0) - all);
    if (rest < here) return at;
    rest -= here;
    const left = heapLeft[at]!;
    const toLeft = left < 0 ? 0 : exp(sums[left]! - all);
    if (rest < toLeft) {
      rest = Math.min(rest / toLeft, BELOW_ONE);
      at = left;
      continue;
    }
    const right = heapRight[at]!;
    const toRight = right < 0 ? 0 : exp(sums[right]! - all);
    if (toLeft === 0 && toRight === 0) return at;
    if (toRight === 0) {
      rest = BELOW_ONE;
      at = left;
    } else {
      rest = Math.min((rest - toLeft) / toRight, BELOW_ONE);
      at = right;
    }
  }
}

/** A child with probability proportional to 1 - w: by how little is known of it. */
export function drawBySpread(arena: TreeArena, parent: number, u: number): number {
  const { heapLeft, heapRight, heapSize, weight, spread } = arena;
  let at = arena.heapRoot[parent]!;
  let rest = u * (heapSize[at]! - weight[at]!);
  for (;;) {
    const left = heapLeft[at]!;
    const right = heapRight[at]!;
    const here = spread[at]! / (1 + spread[at]!);
    const toLeft = left < 0 ? 0 : heapSize[left]! - weight[left]!;
    const toRight = right < 0 ? 0 : heapSize[right]! - weight[right]!;
    if (rest < here || (toLeft <= 0 && toRight <= 0)) return at;
    rest -= here;
    if (toRight <= 0 || rest < toLeft) {
      rest = Math.min(rest, toLeft * BELOW_ONE);
      at = left;
    } else {
      rest = Math.min(rest - toLeft, toRight * BELOW_ONE);
      at = right;
    }
  }
}

/** Any child alike. */
export function drawAlike(arena: TreeArena, parent: number, u: number): number {
  const count = arena.children[parent]!;
  return childAt(arena, parent, 1 + Math.min(count - 1, Math.floor(u * count)));
}

/** The child of the largest `score`, the oldest of equals. */
export function largestChild(arena: TreeArena, parent: number, score: (child: number) => number): number {
  let best = arena.heapRoot[parent]!;
  let most = score(best);
  for (let k = 2; k <= arena.children[parent]!; k++) {
    const child = childAt(arena, parent, k);
    const here = score(child);
    if (here > most) {
      best = child;
      most = here;
    }
  }
  return best;
}
