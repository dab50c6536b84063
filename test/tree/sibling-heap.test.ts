import { expect, test } from 'vitest';
import { rngFromSeed } from '../../engine/random/rng.ts';
import {
  addNode,
  childrenValue,
  childrenWeight,
  HEAP,
  LINKS,
  makeArena,
  SIZE,
  SUM,
  type TreeArena,
  WEIGHTED,
} from '../../estimators/tree/arena.ts';
import { movingStream } from '../../estimators/tree/moving-stream.ts';
import { drawByScore, plannedChildren, scoreOf } from '../../estimators/tree/select.ts';
import {
  childAt,
  drawBySpread,
  drawByValue,
  linkChild,
  refresh,
} from '../../estimators/tree/sibling-heap.ts';
import { expectCounts, expectRejected } from '../support/law.ts';

/** A root with `count` children of random values, spreads and edges, each changed several times. */
function family(count: number, scale = 3): TreeArena {
  const arena = makeArena(1, 3);
  const stream = rngFromSeed(41).stream({ purpose: 40 });
  const change = (child: number): void => {
    arena.value[child] = scale * stream.normal();
    arena.spread[child] = stream.below(3) === 0 ? 0 : 3 * stream.uniform();
    arena.edge[child] = stream.normal() / 2;
    refresh(arena, child);
  };
  for (let k = 1; k <= count; k++) {
    const child = addNode(arena, 0, 3, Float64Array.of(k), 0, 0);
    linkChild(arena, child);
    change(child);
  }
  for (let k = 0; k < 2 * count; k++) change(childAt(arena, 0, 1 + stream.below(count)));
  arena.value[0] = childrenValue(arena, 0);
  return arena;
}

const ids = (arena: TreeArena): number[] =>
  Array.from({ length: arena.children[0]! }, (_, k) => childAt(arena, 0, k + 1));
const masses = (arena: TreeArena, weighted: boolean): number[] =>
  ids(arena).map((c) => Math.exp(arena.edge[c]! + arena.value[c]!) / (weighted ? 1 + arena.spread[c]! : 1));
const sumOf = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0);

test('the k-th child is the k-th that was linked, and children below it are siblings', () => {
  for (const count of [1, 2, 3, 7, 8, 137]) {
    const arena = family(count);
    expect(ids(arena)).toEqual(Array.from({ length: count }, (_, k) => k + 1));
    expect(arena.links[LINKS * arena.heapRoot[0]! + SIZE]).toBe(count);
  }
});

test('what the top of the heap holds is the sum over all children to 2e-15, after 3000 changes', () => {
  const arena = family(1000);
  const top = HEAP * arena.heapRoot[0]!;
  for (const weighted of [false, true]) {
    const held = arena.heap[top + (weighted ? WEIGHTED : SUM)]!;
    const plain = Math.log(sumOf(masses(arena, weighted)));
    expect(Math.abs(held - plain)).toBeLessThanOrEqual(2e-15 * Math.max(1, Math.abs(plain)));
  }
  const weight = sumOf(ids(arena).map((c) => 1 / (1 + arena.spread[c]!)));
  expect(Math.abs(childrenWeight(arena, 0) / weight - 1)).toBeLessThanOrEqual(2e-14);
});

test('a draw from the heap has the law of a linear scan', () => {
  const arena = family(137, 1);
  const stream = rngFromSeed(43).stream({ purpose: 40 });
  const laws: readonly [(u: number) => number, readonly number[]][] = [
    [(u) => drawByValue(arena, 0, u, false), masses(arena, false)],
    [(u) => drawByValue(arena, 0, u, true), masses(arena, true)],
    [(u) => drawBySpread(arena, 0, u), ids(arena).map((c) => 1 - 1 / (1 + arena.spread[c]!))],
  ];
  const [byValue, weighted, bySpread] = laws.map(([draw, mass]) => {
    const counts = new Float64Array(137);
    for (let i = 0; i < 60_000; i++) {
      const child = draw(stream.uniform()) - 1;
      counts[child] = counts[child]! + 1;
    }
    const all = sumOf(mass);
    return merged(
      counts,
      mass.map((m) => m / all),
    );
  });
  for (const { counts, law } of [byValue!, weighted!, bySpread!]) expectCounts(counts, law);
  expectRejected(() => {
    const other = merged(
      byValue!.all,
      masses(arena, true).map((m) => m / sumOf(masses(arena, true))),
    );
    expectCounts(other.counts, other.law);
  });
});

/** Cells that expect fewer than 8 of 60 000 draws are put together. */
function merged(
  all: Float64Array,
  law: readonly number[],
): { all: Float64Array; counts: number[]; law: number[] } {
  const small = law.map((p) => p * 60_000 < 8);
  const counts = [...all].filter((_, i) => !small[i]);
  const kept = law.filter((_, i) => !small[i]);
  const rest = [...all].filter((_, i) => small[i]);
  const little = 1 - sumOf(kept);
  if (little * 60_000 < 8)
    return {
      all,
      counts: [counts[0]! + sumOf(rest), ...counts.slice(1)],
      law: [kept[0]! + little, ...kept.slice(1)],
    };
  return { all, counts: [...counts, sumOf(rest)], law: [...kept, little] };
}

test('children of value -Infinity are drawn when all are, and otherwise never', () => {
  const arena = makeArena(1, 3);
  for (let k = 0; k < 5; k++) {
    const child = addNode(arena, 0, 3, Float64Array.of(k), 0, 0);
    linkChild(arena, child);
    refresh(arena, child);
  }
  const drawn = new Set(Array.from({ length: 50 }, (_, i) => drawByValue(arena, 0, (i + 0.5) / 50, false)));
  expect([...drawn].sort()).toEqual([1, 2, 3, 4, 5]);
  arena.value[4] = -900;
  refresh(arena, 4);
  for (let i = 0; i < 50; i++) expect(drawByValue(arena, 0, (i + 0.5) / 50, false)).toBe(4);
});

test('scores of children, with 1 for each unborn one, add up to the planned number to 1e-12', () => {
  for (const count of [1, 2, 5, 300]) {
    const arena = family(count);
    const planned = count + 7;
    const scores = sumOf(ids(arena).map((child) => scoreOf(arena, 0, child, 0.1)));
    expect(Math.abs((scores + planned - count) / planned - 1)).toBeLessThan(1e-12);
  }
});

test('a draw by score has the law of the scores', () => {
  const arena = family(20, 0.5);
  const stream = movingStream([3, 4]);
  stream.to(16, 0, 0);
  const counts = new Float64Array(20);
  for (let i = 0; i < 30_000; i++) {
    const child = drawByScore(arena, 0, 0.1, stream) - 1;
    counts[child] = counts[child]! + 1;
  }
  const law = (explore: number): number[] =>
    ids(arena).map((child) => scoreOf(arena, 0, child, explore) / 20);
  expectCounts(counts, law(0.1));
  expectRejected(() => expectCounts(counts, law(0.2)));
});

test('a power that is an integer is not rounded up to the next', () => {
  expect(plannedChildren({ factor: 1, exponent: 0.8 }, 242)).toBe(81);
  expect(plannedChildren({ factor: 1, exponent: 0.6 }, 31)).toBe(8);
  expect(plannedChildren({ factor: 1, exponent: 0.8 }, 0)).toBe(1);
});

test('a moving stream gives what a stream at the same address gives', () => {
  const rng = rngFromSeed(5);
  const moving = movingStream(rng.key);
  for (const [step, particle] of [
    [0, 0],
    [9, 3],
    [70_000, 1],
  ] as const) {
    const still = rng.stream({ purpose: 17, step, particle });
    moving.to(17, step, particle);
    for (let i = 0; i < 5; i++) expect(moving.uniform()).toBe(still.uniform());
    expect(moving.normal()).toBe(still.normal());
    expect(moving.below(9)).toBe(still.below(9));
  }
});
