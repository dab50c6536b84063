import { expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { pointwise } from '../../../engine/model/model.ts';
import { run } from '../../../engine/run.ts';
import { multilevel } from '../../../estimators/importance/multilevel/multilevel.ts';
import { expectCoverage, expectMeans, expectRejected } from '../../support/law.ts';
import { brownianLevel, CALL, type Scheme } from './brownian-levels.ts';

const euler = (l: number) => brownianLevel(l);
const milstein = (l: number) => brownianLevel(l, { milstein: true });

test('multilevel(): the root mean square error of 200 runs is no more than asked for, bias included', async () => {
  for (const [accuracy, levels] of [
    [0.004, euler],
    [0.004, milstein],
  ] as const) {
    const method = multilevel({ levels, accuracy, pilot: 200 });
    let squares = 0;
    let covered = 0;
    for (let seed = 0; seed < 200; seed++) {
      const { estimate } = await run(method, { seed, backend: jsBackend() });
      squares += (estimate.value[0]! - CALL) ** 2 / 200;
      if (estimate.low[0]! <= CALL && CALL <= estimate.high[0]!) covered++;
    }
    expect(Math.sqrt(squares) / accuracy).toBeLessThan(1);
    // Not a run that spends far too much: half of eps^2 is for sampling.
    expect(Math.sqrt(squares) / accuracy).toBeGreaterThan(0.4);
    // The bias is allowed for on both sides, so coverage is above 95 %: 177 of 200 is the lower bound at 1e-6.
    expect(covered).toBeGreaterThanOrEqual(177);
  }
});

test('multilevel(): Euler steps have rates 1 and 1, Milstein steps 1 and 2, whose cost is eps^-2', async () => {
  const rates = async (scheme: Scheme) =>
    run(
      multilevel({
        levels: (l) => brownianLevel(l, scheme),
        samples: Array.from({ length: 6 }, () => 40_000),
      }),
      {
        seed: 7,
        backend: jsBackend(),
      },
    );
  const first = await rates({});
  expect(Math.abs(first.rates.beta - 1)).toBeLessThan(0.15);
  const second = await rates({ milstein: true });
  expect(Math.abs(second.rates.beta - 2)).toBeLessThan(0.3);
  expect(Math.abs(second.rates.alpha - 1)).toBeLessThan(0.3);
  const cost = async (accuracy: number): Promise<number> =>
    (await run(multilevel({ levels: milstein, accuracy, pilot: 100 }), { seed: 7, backend: jsBackend() }))
      .cost *
    accuracy ** 2;
  const [coarse, fine] = [await cost(0.002), await cost(0.0005)];
  expect(fine / coarse).toBeLessThan(1.5);
});

test('multilevel(): given samples are unbiased for their last level, and its interval covers 95 % of 1000 runs', async () => {
  // P_l = 1 + z + ... + z^(l + 1) / (l + 1)!, whose mean at level 2 is 1 + 1/2.
  const powers = (z: number, l: number): number =>
    1 + z + (l > 0 ? (z * z) / 2 : 0) + (l > 1 ? z ** 3 / 6 : 0);
  const levels = (l: number) => ({
    model: pointwise(([z]) => (l === 0 ? powers(z!, 0) : [powers(z!, l), powers(z!, l - 1)])),
    inputs: 1,
    cost: 1,
  });
  const method = multilevel({ levels, samples: [200, 200, 200] });
  const truth = 1.5;
  const values = new Float64Array(1000);
  let hits = 0;
  let narrow = 0;
  for (let seed = 0; seed < 1000; seed++) {
    const { estimate } = await run(method, { seed, backend: jsBackend() });
    const [value, low, high] = [estimate.value[0]!, estimate.low[0]!, estimate.high[0]!];
    values[seed] = value;
    if (low <= truth && truth <= high) hits++;
    if (Math.abs(truth - value) <= 0.35 * (high - low)) narrow++;
  }
  expectMeans({ runs: 1000, width: 1, values }, truth);
  expectRejected(() => expectMeans({ runs: 1000, width: 1, values }, truth * 1.03));
  expectCoverage(hits);
  expectRejected(() => expectCoverage(narrow));
});
