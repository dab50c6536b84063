import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Backend } from '../../engine/backend/backend.ts';
import { hostBackend } from '../../engine/backend/host.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { makeMoments, weightedMoments } from '../../engine/particles/moments.ts';
import { makeParticles } from '../../engine/particles/particles.ts';
import { resample } from '../../engine/particles/resample.ts';
import { makeResampler } from '../../engine/particles/resampler.ts';
import { SCHEME_NAMES } from '../../engine/particles/resampling/schemes.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { splitBackend } from '../support/split-backend.ts';

const SEED = 47;
const N = 100_001;
const rng = rngFromSeed(SEED);
const stream = rng.stream({ purpose: 32 });
// Mild weights, so that the schemes that draw again and again stay quick.
const logWeight = Float64Array.from({ length: N }, (_, i) =>
  i % 7 === 0 ? -Infinity : 0.3 * stream.normal(),
);

let backends: Backend[] = [];
beforeAll(async () => {
  backends = await Promise.all([1, 2, 3].map((threads) => hostBackend({ threads })));
});
afterAll(async () => {
  await Promise.all(backends.map((backend) => backend.dispose()));
});

test.each(SCHEME_NAMES)(
  'resample(): %s gives the bits of plain JavaScript on WASM with 1, 2, 3 threads',
  async (scheme) => {
    const reference = await resample({ logWeight, rng, scheme, backend: jsBackend() });
    for (const backend of backends) {
      const { ancestor, ess, logMean } = await resample({ logWeight, rng, scheme, backend });
      expect(Buffer.compare(Buffer.from(ancestor.buffer), Buffer.from(reference.ancestor.buffer))).toBe(0);
      expect([ess, logMean]).toEqual([reference.ess, reference.logMean]);
    }
  },
);

test('makeMoments(): the bits of weightedMoments() on every backend', async () => {
  const n = 5000;
  const d = 3;
  const x = Float64Array.from({ length: n * d }, () => stream.normal());
  const l = logWeight.slice(0, n);
  const reference = weightedMoments(x, l);
  for (const backend of [jsBackend(), splitBackend(4), ...backends]) {
    const arena = backend.arena();
    const moments = makeMoments({ backend, arena, particles: n, components: d });
    const resampler = makeResampler({ backend, arena, particles: n });
    const lentL = arena.f64(n);
    const lentX = arena.f64(n * d);
    lentL.set(l);
    lentX.set(x);
    const { sum } = await resampler.weigh(lentL);
    expect(await moments.take(lentX, resampler.weight, sum)).toEqual(reference);
    await backend.chain([moments.first(lentX, resampler.weight)], n);
    expect(await moments.take(lentX, resampler.weight, sum, true)).toEqual(reference);
    arena.release();
  }
});

test('select(): float64 and float32 fields and eves are gathered alike on every backend', async () => {
  const fields = { x: { components: 3 }, spin: { components: 1, type: 'float32' } } as const;
  const { ancestor } = await resample({ logWeight, rng, backend: jsBackend() });
  for (const backend of backends) {
    const particles = makeParticles({ backend, particles: N, fields });
    const x = particles.field('x');
    for (let at = 0; at < x.length; at++) x[at] = at;
    const spin = particles.field('spin');
    for (let at = 0; at < spin.length; at++) spin[at] = -at;
    particles.ancestor.set(ancestor);
    await particles.select();
    const moved = particles.field('x');
    const turned = particles.field('spin');
    expect(ancestor.every((a, i) => moved[3 * i + 2] === 3 * a + 2 && turned[i] === -a)).toBe(true);
    expect(particles.eve().every((a, i) => a === ancestor[i])).toBe(true);
    particles.release();
  }
});
