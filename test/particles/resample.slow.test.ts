import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { DegeneracyError, OptionError, ValueError } from '../../engine/errors.ts';
import { integerWeights, quantise } from '../../engine/particles/integer-weights.ts';
import { ess, normalizedWeight } from '../../engine/particles/log-weight.ts';
import { type ResampleOptions, resample } from '../../engine/particles/resample.ts';
import { RESAMPLING_SCHEMES, SCHEME_NAMES } from '../../engine/particles/resampling/schemes.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { sum } from '../../engine/wasm/twins/sums.ts';
import { splitBackend } from '../support/split-backend.ts';

const SEED = 19;
const rng = rngFromSeed(SEED);
const N = 3000;
const stream = rng.stream({ purpose: 32 });
const logWeight = Float64Array.from({ length: N }, (_, i) =>
  i % 9 === 0 ? -Infinity : 0.7 * stream.normal(),
);

const draw = async (options: Partial<ResampleOptions> = {}): Promise<Uint32Array> =>
  (await resample({ logWeight, rng, backend: jsBackend(), ...options })).ancestor;

test.each(SCHEME_NAMES)('resample(): %s gives the same bits however the work is cut', async (scheme) => {
  const whole = await draw({ scheme });
  for (const parts of [2, 3, 8]) expect(await draw({ scheme, backend: splitBackend(parts) })).toEqual(whole);
});

test.each(SCHEME_NAMES)(
  'resample(): %s ignores an offset of up to 1e18 in the log-weights',
  async (scheme) => {
    // Differences that survive next to the offset: quarters at 2^50, multiples of 256 at 1e18.
    const quarters = logWeight.slice(0, 200).map((l) => 0.25 * Math.round(4 * l) + 0);
    for (const [steps, offsets] of [
      [quarters, [1e9, -(2 ** 50)]],
      [quarters.map((l) => 256 * Math.round(l) + 0), [1e18, -1e18]],
    ] as const) {
      const whole = await draw({ scheme, logWeight: steps });
      for (const offset of offsets) {
        const moved = steps.map((l) => l + offset);
        expect(moved.map((l) => l - offset)).toEqual(steps);
        expect(await draw({ scheme, logWeight: moved })).toEqual(whole);
      }
    }
  },
);

test('quantise(): the total of the integer weights never passes 2^52, and splits do not change it', async () => {
  for (const scale of [1e-3, 1, 100]) {
    const totals = [];
    for (const backend of [jsBackend(), splitBackend(5)]) {
      const q = Float64Array.from(logWeight, (l) => Math.exp(scale * l));
      const buffers = { q, cumulative: new Float64Array(N), partial: new Float64Array(3) };
      const weights = await quantise(
        backend,
        buffers,
        N,
        sum(q),
        q.reduce((a, b) => Math.max(a, b)),
      );
      expect(weights.total).toBeLessThanOrEqual(2 ** 52);
      expect(weights.total).toBeGreaterThan(2 ** 52 - N);
      expect(weights.cumulative).toEqual(integerWeights(weights.q, jsBackend().arena()).cumulative);
      expect(weights.largest).toBe(weights.q.reduce((a, b) => Math.max(a, b)));
      totals.push(weights.total);
    }
    expect(totals[0]).toBe(totals[1]);
  }
});

test.each(SCHEME_NAMES)(
  'resample(): %s never returns a dead particle, and says what it did',
  async (scheme) => {
    const result = await resample({ logWeight, rng, scheme, backend: jsBackend() });
    expect(result.ancestor.every((i) => logWeight[i]! > -Infinity)).toBe(true);
    expect(result.ess).toBe(ess(logWeight));
    expect(result.unbiased).toBe(scheme !== 'metropolis');
    expect(result.sorted).toBe(RESAMPLING_SCHEMES[scheme].sorted);
    expect(result.moves > 0).toBe(scheme === 'metropolis');
  },
);

test('resample(): systematic ends are those of exact integer arithmetic, and 1e-9 of the mass is lost at most', async () => {
  const n = 20_000;
  const draws = rng.stream({ purpose: 33 });
  const l = Float64Array.from({ length: n }, () => 2 * draws.normal());
  const { ancestor } = await resample({ logWeight: l, rng, backend: jsBackend() });
  const q = normalizedWeight(l);
  const heaviest = q.reduce((a, b) => Math.max(a, b));
  const buffers = { q, cumulative: new Float64Array(n), partial: new Float64Array(20) };
  const { cumulative, total } = await quantise(jsBackend(), buffers, n, sum(q), heaviest);
  expect(1 - total / 2 ** 52).toBeLessThan(1e-9);
  // floor(n C / T + u) with u an integer over 2^53.
  const u = BigInt(rng.stream({ purpose: PURPOSE.resampling }).uniform() * 2 ** 53);
  const scale = BigInt(total) << 53n;
  const exact = new Uint32Array(n);
  for (let i = 0, slot = 0; i < n; i++) {
    const end = ((BigInt(n) * BigInt(cumulative[i]!)) << 53n) + u * BigInt(total);
    while (slot < n && slot < Number(end / scale)) exact[slot++] = i;
  }
  expect(ancestor.every((i, slot) => i === exact[slot])).toBe(true);
});

test('resample(): a particle 700 nats below the others keeps its place in the weights and gets no offspring', async () => {
  const l = Float64Array.of(-700, 0, -700, -1, -Infinity, -36);
  for (const scheme of SCHEME_NAMES) {
    const ancestor = await draw({ scheme, logWeight: l });
    // 2^-52 is exp(-36.04): below it a weight counts as dead.
    expect(ancestor.every((i) => i === 1 || i === 3 || i === 5)).toBe(true);
  }
});

test('resample(): one particle is its own parent, whatever its weight', async () => {
  for (const scheme of SCHEME_NAMES)
    expect(Array.from(await draw({ scheme, logWeight: Float64Array.of(-1e5) }))).toEqual([0]);
});

test('resample(): the default backend is used when none is given', async () => {
  expect((await resample({ logWeight, rng })).ancestor).toEqual(await draw());
});

test('resample(): no mass is a DegeneracyError, NaN a ValueError, a bad count or scheme an OptionError', async () => {
  const dead = new Float64Array(4).fill(-Infinity);
  await expect(draw({ logWeight: dead })).rejects.toThrow(DegeneracyError);
  await expect(draw({ logWeight: Float64Array.of(0, Number.NaN) })).rejects.toThrow(ValueError);
  await expect(draw({ particles: 2.5 })).rejects.toThrow(OptionError);
  await expect(draw({ logWeight: new Float64Array(0) })).rejects.toThrow(OptionError);
  await expect(draw({ scheme: 'killing', particles: 10 })).rejects.toThrow(
    'as many as there are log-weights',
  );
  // A caller without types.
  const scheme = 'sistematic' as 'systematic';
  await expect(draw({ scheme })).rejects.toThrow('Did you mean systematic?');
});
