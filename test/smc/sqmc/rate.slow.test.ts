import { expect, test } from 'vitest';
import { hostBackend } from '../../../engine/index.ts';
import { errorsOf, type Hooks } from './loop.ts';

const SEED = 2016;

/**
 * Root mean square errors at N = 2^6, 2^8, 2^10, 2^12 on log2 scale, and the slope against log2 N. With R runs a size
 * the log2 of an error has standard deviation 1.02 / sqrt R, so the slope 0.23 / sqrt R.
 */
async function rate(
  name: string,
  steps: number,
  runs: number,
  kind: 'quasi-random' | 'random',
  change?: (hooks: Hooks) => Hooks,
): Promise<{ mean: number; logNormalizer: number }> {
  const backend = await hostBackend({ threads: 1 });
  const logs: { mean: number; logNormalizer: number }[] = [];
  for (const k of [6, 8, 10, 12]) {
    const errors = await errorsOf(
      { name, steps, particles: 2 ** k, runs, seed: SEED, backend },
      kind,
      change,
    );
    logs.push({ mean: logError(errors.mean), logNormalizer: logError(errors.logNormalizer) });
  }
  await backend.dispose();
  const slope = (of: 'mean' | 'logNormalizer'): number =>
    logs.reduce((sum, at, j) => sum + (2 * j - 3) * at[of], 0) / 20;
  return { mean: slope('mean'), logNormalizer: slope('logNormalizer') };
}

function logError(errors: Float64Array): number {
  return Math.log2(errors.reduce((sum, e) => sum + e * e, 0) / errors.length) / 2;
}

test('rates: quasi-random filters converge faster than N^-0.75, random ones as N^-1/2', async () => {
  // 350 random runs: slope +- 0.0123, so 0.06 is 4.9 standard deviations. 20 quasi-random runs: +- 0.051.
  const random = await rate('lg1', 10, 350, 'random');
  expect(Math.abs(random.mean + 0.5)).toBeLessThan(0.06);
  const quasi = await rate('lg1', 10, 20, 'quasi-random');
  expect(quasi.mean).toBeLessThan(-0.75);
  expect(quasi.logNormalizer).toBeLessThan(-0.75);
  // The broken twin sorts ancestors but not the points they came with: as slow as random.
  const unpaired = ({ select, noise }: Hooks): Hooks => ({
    noise,
    async select(step, at, ancestor, logWeight) {
      await select(step, at, ancestor, logWeight);
      ancestor.sort();
    },
  });
  expect((await rate('lg1', 10, 20, 'quasi-random', unpaired)).mean).toBeGreaterThan(-0.65);
  console.info(`slopes of the final mean: random ${random.mean}, quasi-random ${quasi.mean}`);
});

test('rates: in five dimensions the Hilbert order still gains a factor of two at N = 4096', async () => {
  const backend = await hostBackend({ threads: 1 });
  const series = { name: 'lg5', steps: 5, particles: 4096, runs: 40, seed: SEED, backend };
  const random = logError((await errorsOf(series, 'random')).logNormalizer);
  const quasi = logError((await errorsOf(series, 'quasi-random')).logNormalizer);
  await backend.dispose();
  // Both to 0.16 in log2: a gain of 1 is 4.4 standard deviations from none.
  expect(random - quasi).toBeGreaterThan(1);
  console.info(`gain in five dimensions: ${2 ** (random - quasi)}`);
});
