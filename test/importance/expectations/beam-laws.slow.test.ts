import { expect, test } from 'vitest';
import { beamLaws } from '../../../bench/expectations-cases.ts';
import { bestHost } from '../../../engine/backend/host.ts';
import { run } from '../../../engine/run.ts';
import { expectations } from '../../../estimators/importance/expectations/expectations.ts';

const SEED = 100;
const RUNS = 3;

test('100 laws of the beam from one sample: squared errors below 1e-5 in sum, 300 intervals cover 92 to 97 %', async () => {
  const { options, truth } = await beamLaws();
  const backend = await bestHost(1);
  const method = expectations({ ...options, points: 20_000 });
  let loss = 0;
  let covered = 0;
  // Intervals about numbers that are off by 0.2 %, the standard error, are no such intervals.
  let broken = 0;
  for (let r = 0; r < RUNS; r++) {
    const { estimate } = await run(method, { seed: SEED + r, backend });
    truth.forEach((exact, j) => {
      loss += (estimate.value[j]! - exact) ** 2 / RUNS;
      const holds = (x: number): boolean => estimate.low[j]! <= x && x <= estimate.high[j]!;
      if (holds(exact)) covered++;
      if (holds(1.002 * exact)) broken++;
    });
  }
  expect(loss).toBeLessThan(1e-5);
  expect(covered / (RUNS * truth.length)).toBeGreaterThanOrEqual(0.92);
  expect(covered / (RUNS * truth.length)).toBeLessThanOrEqual(0.97);
  expect(broken / (RUNS * truth.length)).toBeLessThan(0.92);
  await backend.dispose();
});
