import { expect, test } from 'vitest';
import { CHILDREN, RECORD, VALUE, VISITS, WORDS } from '../../estimators/tree/arena.ts';
import { largestBound } from '../../estimators/tree/bounds.ts';
import { largestChild } from '../../estimators/tree/sibling-heap.ts';
import type { TreeChain, TreeChildren } from '../../estimators/tree/types.ts';
import { grown } from '../support/tree.ts';
import { dummyChain } from '../support/tree-chains.ts';

test('the largest bound is that of a look at every child, and is found by looks at few where rewards differ', async () => {
  for (const [lambda, share] of [
    [20, 0.1],
    [4, 0.5],
    [0.01, 1],
  ] as const) {
    const { arena } = await grown({
      ...{ chain: dummyChain(2), mode: 'search', iterations: 1500, inverseTemperature: lambda },
    });
    const { real, whole } = arena;
    let [looks, children] = [0, 0];
    for (const c of [0, 0.01, 0.1, 1, 5])
      for (let at = 0; at < 40; at++) {
        if (whole[WORDS * at + VISITS]! < 8) continue;
        const bonus = c * Math.sqrt(Math.log(whole[WORDS * at + VISITS]!));
        const score = (child: number): number =>
          real[RECORD * child + VALUE]! / lambda + bonus / Math.sqrt(whole[WORDS * child + VISITS]!);
        const counted = (child: number): number => {
          if (c < 0.2) looks++;
          return score(child);
        };
        const wanted = largestChild(arena, at, (child) => {
          if (c < 0.2) children++;
          return score(child);
        });
        expect(largestBound(arena, at, { score: counted, lambda, bonus })).toBe(wanted);
      }
    expect(looks / children).toBeLessThan(share + 0.1);
  }
});

test('among hundreds of listed and of merged children the same one is found', async () => {
  const many = 300;
  const walk: TreeChain = {
    ...{ dimension: 1, steps: 1 },
    init: ({ x, streams }) => x.set(streams.map((s) => s.below(many))),
    step: ({ x, next, streams }) => next.set(streams.map((s, i) => x[i]! + s.below(2) / 2)),
    reward: (x, out) => void out.set(x.map((at) => 3 * Math.sin(at))),
  };
  const states = (n: number, of: (k: number) => number): TreeChildren => ({
    x: Float64Array.from({ length: n }, (_, k) => of(k)),
    logProbability: new Float64Array(n).fill(-Math.log(n)),
  });
  const children: TreeChain['children'] = (x, level) =>
    Array.from(level, (l, i) => (l === 2 ? states(many, (k) => k) : states(2, (k) => x[i]! + k / 2)));
  for (const kind of [{ merge: true }, { children }] as const) {
    const { arena } = await grown({
      ...{ chain: { ...walk, ...kind }, mode: 'search', iterations: 1500, inverseTemperature: 4 },
    });
    const { real, whole } = arena;
    const count = whole[CHILDREN]!;
    expect(count).toBeGreaterThan(200);
    for (const c of [0, 0.03, 0.3]) {
      const bonus = c * Math.sqrt(Math.log(whole[VISITS]!));
      let looks = 0;
      const score = (child: number): number => {
        looks++;
        return real[RECORD * child + VALUE]! / 4 + bonus / Math.sqrt(whole[WORDS * child + VISITS]!);
      };
      const wanted = largestChild(arena, 0, score);
      looks = 0;
      expect(largestBound(arena, 0, { score, lambda: 4, bonus: bonus / Math.SQRT2 })).toBe(wanted);
      expect(looks).toBeLessThan(0.8 * count);
    }
  }
});

test('of equals, the oldest is taken', async () => {
  const chain = { ...dummyChain(2), reward: (_: Float64Array, out: Float64Array) => void out.fill(2) };
  const { arena } = await grown({ chain, mode: 'search', iterations: 300 });
  const score = (): number => 1;
  expect(largestBound(arena, 0, { score, lambda: 1, bonus: 1 })).toBe(1);
});
