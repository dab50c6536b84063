import { expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { FeynmanKac } from '../../../engine/particles/smc/feynman-kac.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';

type Fields = { readonly x: { readonly components: 1 } };

/** A random walk weighted by e^{x / 2}. */
const walk: FeynmanKac<Fields> = {
  fields: { x: { components: 1 } },
  steps: 6,
  noise: 1,
  init: (run, lo, hi) => run.field('x').set(run.normals.subarray(lo, hi), lo),
  mutate(_, run, lo, hi) {
    for (let i = lo; i < hi; i++) run.field('x')[i] = run.parent('x')[i]! + run.normals[i]!;
  },
  logPotential(_, run, out, lo, hi) {
    for (let i = lo; i < hi; i++) out[i] = run.field('x')[i]! / 2;
  },
};

function loop(seeds: readonly number[], particles = 9): Smc<Fields> {
  const rngs = seeds.map((seed) => rngFromSeed(seed));
  return makeSmc({ where: 'test', backend: jsBackend(), model: walk, rngs, particles, threshold: 0.9 });
}

async function advance(smc: Smc<Fields>, steps: number): Promise<void> {
  for (let t = 0; t < steps; t++) await smc.advance();
}

const place = (smc: Smc<Fields>, run: number): unknown => ({
  state: smc.runs[run]!,
  x: [...smc.population(run).field('x')],
  logWeight: [...smc.population(run).logWeight],
  summary: smc.summary(run),
});

test('adopt(): a run goes on as the adopted one would have under its generator', async () => {
  const [own, other, whole] = [loop([1, 2]), loop([3, 4, 5]), loop([9, 2])];
  await advance(own, 3);
  await advance(other, 3);
  await advance(whole, 3);
  const before = place(own, 0);
  await own.adopt(1, other, 2);
  expect(place(own, 1)).toEqual(place(other, 2));
  expect(place(own, 0)).toEqual(before);
  // The same adoption in a loop whose other run differs.
  await whole.adopt(1, other, 2);
  await advance(own, 3);
  await advance(whole, 3);
  expect(place(own, 1)).toEqual(place(whole, 1));
  await advance(other, 3);
  expect(place(own, 1)).not.toEqual(place(other, 2));
});

test('adopt(): two copies of one run under two generators part ways, and families stay within the run', async () => {
  const smc = loop([1, 2]);
  await advance(smc, 2);
  await smc.adopt(0, smc, 1);
  expect([...smc.eve(0)].map((eve) => eve + 9)).toEqual([...smc.eve(1)]);
  await advance(smc, 1);
  expect(place(smc, 0)).not.toEqual(place(smc, 1));
  expect([...smc.eve(0)].every((eve) => eve < 9)).toBe(true);
});

test('adopt(): another number of particles, or another step, is refused', async () => {
  const [own, other] = [loop([1]), loop([2])];
  await advance(own, 2);
  await advance(other, 1);
  await expect(own.adopt(0, other, 0)).rejects.toBeInstanceOf(OptionError);
  const wide = loop([2], 12);
  await advance(wide, 2);
  await expect(own.adopt(0, wide, 0)).rejects.toBeInstanceOf(OptionError);
});
