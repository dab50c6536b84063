import { expect, test } from 'vitest';
import { rngFromSeed } from '../../engine/random/rng.ts';
import {
  addNode,
  CHILDREN,
  edgeOf,
  FAMILY,
  makeArena,
  RECORD,
  SCALE,
  SPREAD,
  setEdge,
  type TreeArena,
  VALUE,
} from '../../estimators/tree/arena.ts';
import { PLAIN, SUM, WEIGHING, WEIGHTED } from '../../estimators/tree/families.ts';
import { movingStream } from '../../estimators/tree/moving-stream.ts';
import { drawByScore, fewestVisits, plannedChildren, scoreOf } from '../../estimators/tree/select.ts';
import {
  childAt,
  childrenValue,
  childrenWeight,
  drawBySpread,
  drawByValue,
  linkChild,
  plainValue,
  refresh,
  refreshPlain,
  refreshPlanned,
} from '../../estimators/tree/sibling-heap.ts';
import { expectCounts, expectRejected } from '../support/law.ts';

/** A root with `count` children of random values, spreads and edges, each changed several times. */
function family(count: number, scale = 3, addUp = refresh): TreeArena {
  const arena = makeArena(1, 3);
  const stream = rngFromSeed(41).stream({ purpose: 40 });
  const change = (child: number): void => {
    arena.real[RECORD * child + VALUE] = scale * stream.normal();
    arena.real[RECORD * child + SPREAD] = stream.below(3) === 0 ? 0 : 3 * stream.uniform();
    setEdge(arena, child, stream.normal() / 2);
    addUp(arena, 0, child);
  };
  for (let k = 1; k <= count; k++) {
    const child = addNode(arena, 0, 3, Float64Array.of(k), 0, 0);
    linkChild(arena, child);
    change(child);
  }
  for (let k = 0; k < 2 * count; k++) change(childAt(arena, 0, 1 + stream.below(count)));
  arena.real[VALUE] = childrenValue(arena, 0);
  return arena;
}

const ids = (arena: TreeArena): number[] =>
  Array.from({ length: arena.whole[CHILDREN]! }, (_, k) => childAt(arena, 0, k + 1));
const uOf = (arena: TreeArena, c: number): number => arena.real[RECORD * c + VALUE]!;
const spreadOf = (arena: TreeArena, c: number): number => arena.real[RECORD * c + SPREAD]!;
const masses = (arena: TreeArena, weighted: boolean): number[] =>
  ids(arena).map((c) => Math.exp(edgeOf(arena, c) + uOf(arena, c)) / (weighted ? 1 + spreadOf(arena, c) : 1));
const sumOf = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0);

test('the k-th child is the k-th that was linked', () => {
  for (const count of [1, 2, 3, 7, 8, 137])
    expect(ids(family(count))).toEqual(Array.from({ length: count }, (_, k) => k + 1));
});

test('what the top of the heap holds is the sum over all children to 2e-15, after 3000 changes', () => {
  const arena = family(1000);
  const top = arena.whole[FAMILY]! + 1;
  const { sums, weights } = arena.families;
  for (const weighted of [false, true]) {
    const held =
      arena.real[SCALE]! +
      Math.log(weighted ? weights[WEIGHING * top + WEIGHTED]! : sums[PLAIN * top + SUM]!);
    const plain = Math.log(sumOf(masses(arena, weighted)));
    expect(Math.abs(held - plain)).toBeLessThanOrEqual(2e-15 * Math.max(1, Math.abs(plain)));
  }
  const weight = sumOf(ids(arena).map((c) => 1 / (1 + spreadOf(arena, c))));
  expect(Math.abs(childrenWeight(arena, 0) / weight - 1)).toBeLessThanOrEqual(2e-14);
});

test('planned children have the same mean and weight without the sum that ignores w', () => {
  const [both, planned] = [family(300), family(300, 3, refreshPlanned)];
  expect(planned.real[VALUE]).toBe(both.real[VALUE]);
  expect(childrenWeight(planned, 0)).toBe(childrenWeight(both, 0));
});

test('a draw from the heap has the law of a linear scan', () => {
  const arena = family(137, 1);
  const stream = rngFromSeed(43).stream({ purpose: 40 });
  const laws: readonly [(u: number) => number, readonly number[]][] = [
    [(u) => drawByValue(arena, 0, u, false), masses(arena, false)],
    [(u) => drawByValue(arena, 0, u, true), masses(arena, true)],
    [(u) => drawBySpread(arena, 0, u), ids(arena).map((c) => 1 - 1 / (1 + spreadOf(arena, c)))],
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

test('a draw among children of several draws each has the law of value times number', () => {
  const arena = family(40, 1);
  const times = ids(arena).map((child) => 1 + (child % 5));
  for (const [i, child] of ids(arena).entries()) {
    arena.real[RECORD * child + SPREAD] = 1 / times[i]! - 1;
    refresh(arena, 0, child);
  }
  const stream = rngFromSeed(45).stream({ purpose: 40 });
  const all = new Float64Array(40);
  for (let i = 0; i < 60_000; i++) {
    const child = drawByValue(arena, 0, stream.uniform(), true) - 1;
    all[child] = all[child]! + 1;
  }
  const lawOf = (mass: readonly number[]) =>
    merged(
      all,
      mass.map((m) => m / sumOf(mass)),
    );
  const plain = masses(arena, false);
  const right = lawOf(plain.map((m, i) => m * times[i]!));
  expectCounts(right.counts, right.law);
  expectRejected(() => {
    const wrong = lawOf(plain);
    expectCounts(wrong.counts, wrong.law);
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
    refresh(arena, 0, child);
  }
  const drawn = new Set(Array.from({ length: 50 }, (_, i) => drawByValue(arena, 0, (i + 0.5) / 50, false)));
  expect([...drawn].sort()).toEqual([1, 2, 3, 4, 5]);
  arena.real[RECORD * 4 + VALUE] = -900;
  refresh(arena, 0, 4);
  for (let i = 0; i < 50; i++) expect(drawByValue(arena, 0, (i + 0.5) / 50, false)).toBe(4);
});

test('values far apart that rise and fall have the mean of a plain sum', () => {
  const ways = [
    [refresh, childrenValue],
    [refreshPlain, plainValue],
    [refreshPlanned, childrenValue],
  ] as const;
  for (const [addUp, valueOfParent] of ways) {
    const arena = makeArena(1, 3);
    const stream = rngFromSeed(44).stream({ purpose: 40 });
    for (let round = 0; round < 500; round++) {
      const child = round < 40 ? addNode(arena, 0, 3, Float64Array.of(0), 0, 0) : 1 + stream.below(40);
      if (round < 40) linkChild(arena, child);
      const value = 4000 * Math.sin(round / 40) + 300 * stream.normal();
      arena.real[RECORD * child + VALUE] = stream.below(9) === 0 ? -Infinity : value;
      addUp(arena, 0, child);
      const values = ids(arena).map((c) => uOf(arena, c));
      const most = Math.max(...values);
      const plain = most + Math.log(sumOf(values.map((u) => Math.exp(u - most))) / values.length);
      if (most === -Infinity) expect(valueOfParent(arena, 0)).toBe(most);
      else expect(Math.abs(valueOfParent(arena, 0) - plain)).toBeLessThan(1e-15 * Math.abs(most) + 1e-14);
    }
  }
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
    const child = drawByScore(arena, 0, 0.1, stream.uniform()) - 1;
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

test('visits that ask for one more child are the least whose power does, and none where powers do not come so far', () => {
  for (const exponent of [1, 0.8, 0.6, 0.45])
    for (const factor of [0.3, 1, 2])
      for (const children of [0, 1, 7, 8, 80, 81, 12_345]) {
        const visits = fewestVisits({ factor, exponent }, children);
        expect(children < factor * visits ** exponent - 1e-9).toBe(true);
        if (visits > 1) expect(children < factor * (visits - 1) ** exponent - 1e-9).toBe(false);
      }
  expect(fewestVisits({ factor: 3.5, exponent: 0 }, 3)).toBe(1);
  expect(fewestVisits({ factor: 3.5, exponent: 0 }, 4)).toBe(Infinity);
  expect(fewestVisits({ factor: 1, exponent: 0.01 }, 9)).toBe(Infinity);
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
