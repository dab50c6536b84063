import { expect, test } from 'vitest';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { closeBlock, type Families, openBlock, openFamilies, widen } from '../../estimators/tree/families.ts';

/** Families of random sizes that are founded, grow and die out, beside plain lists of the same children. */
test('blocks of families hold what was put there, and none has a part of another', () => {
  const families = openFamilies('both', 8);
  const stream = rngFromSeed(46).stream({ purpose: 40 });
  const alive: { base: number; children: number[] }[] = [];
  const put = (family: { base: number; children: number[] }, child: number): void => {
    family.children.push(child);
    const entry = family.base + family.children.length;
    families.child[entry] = child;
    families.sums[2 * entry] = child / 2;
    families.weights[4 * entry + 3] = child / 4;
  };
  let most = 0;
  for (let child = 1; child < 20_000; child++) {
    const at = stream.below(3 + alive.length);
    if (at === 0 && alive.length > 20) {
      const [gone] = alive.splice(stream.below(alive.length), 1);
      closeBlock(families, gone!.base, gone!.children.length);
    } else if (at < alive.length + 1 && at > 0) {
      const family = alive[at - 1]!;
      const k = family.children.length + 1;
      if ((k & (k - 1)) === 0) family.base = widen(families, family.base, k);
      put(family, child);
      most = Math.max(most, k);
    } else {
      const family = { base: openBlock(families), children: [] };
      for (const one of [child, child + 30_000]) put(family, one);
      alive.push(family);
    }
    if (child % 1000 === 0) for (const family of alive) expectHeld(families, family);
  }
  expect(most).toBeGreaterThan(64);
});

function expectHeld(
  { child, sums, weights }: Families,
  { base, children }: { readonly base: number; readonly children: readonly number[] },
): void {
  const entries = children.map((_, i) => base + 1 + i);
  expect(entries.map((entry) => child[entry])).toEqual(children);
  expect(entries.map((entry) => 2 * sums[2 * entry]!)).toEqual(children);
  expect(entries.map((entry) => 4 * weights[4 * entry + 3]!)).toEqual(children);
}

test('a block that is free is taken again, and the last one grows where it is', () => {
  const families = openFamilies('plain');
  const [first, second] = [openBlock(families), openBlock(families)];
  expect(widen(families, second, 4)).toBe(second);
  const moved = widen(families, first, 4);
  expect(moved).toBe(second + 8);
  expect(openBlock(families)).toBe(first);
  closeBlock(families, moved, 7);
  expect(widen(families, first, 4)).toBe(moved);
  expect(families.weights.length).toBe(0);
});
