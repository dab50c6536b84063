import { exp, log } from '../../engine/wasm/twins/elementary.ts';
import {
  ABOVE,
  HEAP,
  LEFT,
  LINKS,
  OWN,
  RIGHT,
  SIZE,
  SUM,
  type TreeArena,
  WEIGHT,
  WEIGHTED,
} from './arena.ts';

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
  arena.links[LINKS * child + ABOVE] = above;
  arena.links[LINKS * above + ((k & 1) === 0 ? LEFT : RIGHT)] = child;
}

/** The k-th child, k from 1: below its leading 1, the bits of k say left or right. */
export function childAt({ heapRoot, links }: TreeArena, parent: number, k: number): number {
  let at = heapRoot[parent]!;
  for (let bit = 30 - Math.clz32(k); bit >= 0; bit--) at = links[LINKS * at + LEFT + ((k >> bit) & 1)]!;
  return at;
}

/**
 * Add up anew from `child`, whose value, spread or edge is new, to the top of its heap.
 * @returns whether the top changed: an unchanged part is the end.
 */
export function refresh(arena: TreeArena, child: number): boolean {
  const { heap, links } = arena;
  for (let at = child; at >= 0; at = links[LINKS * at + ABOVE]!) {
    const here = HEAP * at;
    const [a, b, c] = [heap[here + SUM]!, heap[here + WEIGHTED]!, heap[here + WEIGHT]!];
    const size = links[LINKS * at + SIZE]!;
    refreshOne(arena, at);
    if (
      heap[here + SUM] === a &&
      heap[here + WEIGHTED] === b &&
      heap[here + WEIGHT] === c &&
      links[LINKS * at + SIZE] === size
    )
      return false;
  }
  return true;
}

/** The same where all spreads are 0, so that both sums are one. */
export function refreshPlain({ heap, links, edge, value }: TreeArena, child: number): boolean {
  heap[HEAP * child + OWN] = edge[child]! + value[child]!;
  for (let at = child; at >= 0; at = links[LINKS * at + ABOVE]!) {
    const here = HEAP * at;
    const link = LINKS * at;
    const left = links[link + LEFT]!;
    const right = links[link + RIGHT]!;
    const own = heap[here + OWN]!;
    let total = own;
    let size = 1;
    if (left >= 0) {
      total = logAdd(own, heap[HEAP * left + SUM]!, right < 0 ? -Infinity : heap[HEAP * right + SUM]!);
      size += links[LINKS * left + SIZE]! + (right < 0 ? 0 : links[LINKS * right + SIZE]!);
    }
    if (total === heap[here + SUM] && size === links[link + SIZE]) return false;
    heap[here + SUM] = total;
    heap[here + WEIGHTED] = total;
    heap[here + WEIGHT] = size;
    links[link + SIZE] = size;
  }
  return true;
}

/** The same without the sum that ignores w, which planned children have no use for. */
export function refreshPlanned({ heap, links, edge, value, spread }: TreeArena, child: number): boolean {
  heap[HEAP * child + OWN] = edge[child]! + value[child]!;
  for (let at = child; at >= 0; at = links[LINKS * at + ABOVE]!) {
    const here = HEAP * at;
    const link = LINKS * at;
    const left = links[link + LEFT]!;
    const right = links[link + RIGHT]!;
    const rho = spread[at]!;
    let total = heap[here + OWN]! - (rho === 0 ? 0 : log(1 + rho));
    let weight = 1 / (1 + rho);
    let size = 1;
    if (left >= 0) {
      total = logAdd(
        total,
        heap[HEAP * left + WEIGHTED]!,
        right < 0 ? -Infinity : heap[HEAP * right + WEIGHTED]!,
      );
      weight += heap[HEAP * left + WEIGHT]!;
      size += links[LINKS * left + SIZE]!;
    }
    if (right >= 0) {
      weight += heap[HEAP * right + WEIGHT]!;
      size += links[LINKS * right + SIZE]!;
    }
    if (total === heap[here + WEIGHTED] && weight === heap[here + WEIGHT] && size === links[link + SIZE])
      return false;
    heap[here + WEIGHTED] = total;
    heap[here + WEIGHT] = weight;
    links[link + SIZE] = size;
  }
  return true;
}

/** Add up anew what is below `at` in its heap. */
export function refreshOne({ heap, links, edge, value, spread }: TreeArena, at: number): void {
  const here = HEAP * at;
  const left = links[LINKS * at + LEFT]!;
  const right = links[LINKS * at + RIGHT]!;
  const l = HEAP * left;
  const r = HEAP * right;
  const own = edge[at]! + value[at]!;
  const rho = spread[at]!;
  heap[here + OWN] = own;
  heap[here + SUM] = logAdd(
    own,
    left < 0 ? -Infinity : heap[l + SUM]!,
    right < 0 ? -Infinity : heap[r + SUM]!,
  );
  heap[here + WEIGHTED] = logAdd(
    rho === 0 ? own : own - log(1 + rho),
    left < 0 ? -Infinity : heap[l + WEIGHTED]!,
    right < 0 ? -Infinity : heap[r + WEIGHTED]!,
  );
  heap[here + WEIGHT] =
    1 / (1 + rho) + (left < 0 ? 0 : heap[l + WEIGHT]!) + (right < 0 ? 0 : heap[r + WEIGHT]!);
  links[LINKS * at + SIZE] =
    1 + (left < 0 ? 0 : links[LINKS * left + SIZE]!) + (right < 0 ? 0 : links[LINKS * right + SIZE]!);
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
  const { heap, links, spread } = arena;
  const which = weighted ? WEIGHTED : SUM;
  let at = arena.heapRoot[parent]!;
  if (heap[HEAP * at + which] === -Infinity) return drawAlike(arena, parent, u);
  let rest = u;
  for (;;) {
    const all = heap[HEAP * at + which]!;
    const here = exp(heap[HEAP * at + OWN]! - (weighted ? log(1 + spread[at]!) : 0) - all);
    if (rest < here) return at;
    rest -= here;
    const left = links[LINKS * at + LEFT]!;
    const toLeft = left < 0 ? 0 : exp(heap[HEAP * left + which]! - all);
    if (rest < toLeft) {
      rest = Math.min(rest / toLeft, BELOW_ONE);
      at = left;
      continue;
    }
    const right = links[LINKS * at + RIGHT]!;
    const toRight = right < 0 ? 0 : exp(heap[HEAP * right + which]! - all);
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
export function drawBySpread(
  { heap, links, heapRoot, spread }: TreeArena,
  parent: number,
  u: number,
): number {
  const unknown = (node: number): number =>
    node < 0 ? 0 : links[LINKS * node + SIZE]! - heap[HEAP * node + WEIGHT]!;
  let at = heapRoot[parent]!;
  let rest = u * unknown(at);
  for (;;) {
    const left = links[LINKS * at + LEFT]!;
    const right = links[LINKS * at + RIGHT]!;
    const here = spread[at]! / (1 + spread[at]!);
    const toLeft = unknown(left);
    const toRight = unknown(right);
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
