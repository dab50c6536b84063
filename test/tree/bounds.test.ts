import { expect, test } from 'vitest';
import { RECORD, VALUE, VISITS, WORDS } from '../../estimators/tree/arena.ts';
import { largestBound } from '../../estimators/tree/bounds.ts';
import { largestChild } from '../../estimators/tree/sibling-heap.ts';
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

test('of equals, the oldest is taken', async () => {
  const chain = { ...dummyChain(2), reward: (_: Float64Array, out: Float64Array) => void out.fill(2) };
  const { arena } = await grown({ chain, mode: 'search', iterations: 300 });
  const score = (): number => 1;
  expect(largestBound(arena, 0, { score, lambda: 1, bonus: 1 })).toBe(1);
});
