import { afterAll, describe, test } from 'vitest';
import type { Backend } from '../../engine/backend/backend.ts';
import { hostBackend } from '../../engine/backend/host.ts';
import { RESAMPLING_SCHEMES } from '../../engine/particles/resampling/schemes.ts';
import { expectMeans } from '../support/law.ts';
import { expectedOffspring, offspring, WEIGHTS } from './drawing.ts';

const SEED = 11;
const RUNS = 100_000; // a count that is off by 0.023 of its standard deviation is caught with 99 % probability

// WebAssembly draws the ancestors of plain JavaScript, as test/wasm/twins.test.ts says, and long walks in half of the time.
const host = await hostBackend({ threads: 1 });
afterAll(() => host.dispose());
const backendOf = ({ name }: { readonly name: string }): Backend | undefined =>
  name === 'metropolis' ? host : undefined;

const schemes = Object.values(RESAMPLING_SCHEMES);

describe.each(schemes)('$name', (scheme) => {
  test.each(Object.entries(WEIGHTS))('mean counts on %s weights', async (_, q) => {
    // A particle that is alone leaves nothing to chance.
    const runs = q.length === 1 ? 1000 : RUNS;
    const counts = await offspring(scheme, q, q.length, runs, SEED, backendOf(scheme));
    expectMeans(counts, expectedOffspring(q, q.length), { about: 'offspring of particle' });
  });
});

test.each(schemes.filter((scheme) => !scheme.sameSize))(
  '$name: mean counts with fewer and with more slots than particles',
  async (scheme) => {
    const q = WEIGHTS.geometric!;
    for (const m of [5, 13]) {
      const counts = await offspring(scheme, q, m, RUNS / 4, SEED, backendOf(scheme));
      expectMeans(counts, expectedOffspring(q, m), { about: 'offspring of particle' });
    }
  },
);
