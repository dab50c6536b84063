import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { OptionError, ShapeError } from '../../engine/errors.ts';
import { distinctCount, offspringCounts } from '../../engine/particles/genealogy.ts';
import { permuteInPlace } from '../../engine/particles/in-place.ts';
import { makeParticles, type Particles } from '../../engine/particles/particles.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { splitBackend } from '../support/split-backend.ts';

const SEED = 23;
const N = 150;
const FIELDS = { x: { components: 3 }, spin: { components: 2, type: 'float32' } } as const;

const make = (inPlace = false, backend = jsBackend()): Particles<typeof FIELDS> => {
  const particles = makeParticles({ backend, particles: N, fields: FIELDS, inPlace });
  particles.field('x').forEach((_, at, x) => {
    x[at] = at;
  });
  particles.field('spin').forEach((_, at, spin) => {
    spin[at] = -at;
  });
  return particles;
};

const randomAncestors = (particle: number): Uint32Array => {
  const stream = rngFromSeed(SEED).stream({ purpose: 32, particle });
  return Uint32Array.from({ length: N }, () => stream.below(N));
};

test('makeParticles(): fields are [n, k] of their type, weights 0, ancestors and eves their own slots', () => {
  const particles = make();
  expect(particles.capacity).toBe(192);
  expect(particles.field('x')).toBeInstanceOf(Float64Array);
  expect(particles.field('spin')).toBeInstanceOf(Float32Array);
  expect([particles.field('x').length, particles.field('spin').length]).toEqual([3 * N, 2 * N]);
  expect(particles.logWeight).toEqual(new Float64Array(N));
  expect(particles.ancestor).toEqual(particles.eve());
  // The padding slots stay dead and are not part of the array lent.
  const whole = new Float64Array(particles.logWeight.buffer, particles.logWeight.byteOffset, 192);
  expect(whole.subarray(N).every((l) => l === -Infinity)).toBe(true);
  particles.release();
});

test.each([false, true])(
  'select(): every field and eve come from the ancestor, in place: %s',
  async (inPlace) => {
    for (let round = 0; round < 20; round++) {
      const particles = make(inPlace, splitBackend(3));
      const wanted = randomAncestors(round);
      particles.ancestor.set(wanted);
      await particles.select();
      const A = particles.ancestor;
      expect(A.slice().sort()).toEqual(wanted.slice().sort());
      expect(particles.eve()).toEqual(A);
      expect(Array.from(particles.field('x'))).toEqual(rows(A, 3));
      expect(Array.from(particles.field('spin'))).toEqual(rows(A, 2).map((x) => -x));
    }
  },
);

function rows(A: Uint32Array, k: number): number[] {
  return Array.from(A).flatMap((a) => Array.from({ length: k }, (_, c) => a * k + c));
}

test('advance(): the particles become the parents, and the fields are another array to write', async () => {
  const particles = make();
  particles.ancestor.fill(7);
  await particles.select();
  const selected = particles.field('x');
  particles.advance();
  expect(particles.parent('x')).toBe(selected);
  expect(particles.field('x')).not.toBe(selected);
});

test('permuteInPlace(): the same offspring, and every parent sits in its own slot', () => {
  for (let round = 0; round < 200; round++) {
    const ancestor = randomAncestors(1000 + round);
    const before = offspringCounts(ancestor, N);
    permuteInPlace(ancestor);
    expect(offspringCounts(ancestor, N)).toEqual(before);
    expect(ancestor.every((a) => ancestor[a] === a)).toBe(true);
  }
});

test('distinctCount(): counts values wherever they stand', () => {
  expect(distinctCount(Uint32Array.of(0, 1, 2, 0), 3)).toBe(3);
  expect(distinctCount(Uint32Array.of(2, 2, 2), 3)).toBe(1);
});

test('state(), restore(): another container continues from the same bits; wrong lengths are refused', async () => {
  const particles = make();
  particles.ancestor.set(randomAncestors(0));
  particles.logWeight.fill(-2);
  await particles.select();
  const other = make();
  other.restore(particles.state());
  expect(other.state()).toEqual(particles.state());
  const { eve: _, ...broken } = particles.state();
  expect(() => other.restore(broken)).toThrow(ShapeError);
});

test('makeParticles(): bad counts, no fields and unknown fields are OptionErrors', () => {
  const backend = jsBackend();
  expect(() => makeParticles({ backend, particles: 0, fields: FIELDS })).toThrow(OptionError);
  expect(() => makeParticles({ backend, particles: 4, fields: {} })).toThrow(OptionError);
  expect(() => makeParticles({ backend, particles: 4, fields: { x: { components: 0.5 } } })).toThrow(
    OptionError,
  );
  const loose = makeParticles({
    backend,
    particles: 4,
    fields: { x: { components: 1 } } as Record<string, { components: number }>,
  });
  expect(() => loose.field('y')).toThrow('one of x');
});
