import { expect, test } from 'vitest';
import { bestHost } from '../../../engine/backend/host.ts';
import { normal } from '../../../engine/distribution/normal.ts';
import { normalCdf } from '../../../engine/math/erfc.ts';
import { pointwise } from '../../../engine/model/model.ts';
import { run } from '../../../engine/run.ts';
import { expectations } from '../../../estimators/importance/expectations/expectations.ts';

const RUNS = 120;
const EXACT = [Math.exp(0.125), normalCdf(-1)];

/** Mean squared errors and covered intervals of a smooth function and of one that jumps. */
async function measure(scrambles: 'independent' | 'shared'): Promise<{
  readonly loss: readonly number[];
  readonly covered: readonly number[];
  readonly without: number;
}> {
  const backend = await bestHost(1);
  const loss = [0, 0];
  const covered = [0, 0];
  let without = 0;
  const method = expectations({
    model: pointwise(([a, b]) => (a! + b!) / Math.SQRT2),
    inputs: { a: normal(0, 1), b: normal(0, 1) },
    expectations: { smooth: { of: ([s]) => Math.exp(0.5 * s!) }, jump: { event: { above: 1 } } },
    points: 2100,
    scrambles,
  });
  for (let r = 0; r < RUNS; r++) {
    const { estimate } = await run(method, { seed: 8000 + r, backend });
    EXACT.forEach((exact, j) => {
      if (Number.isNaN(estimate.low[j])) without++;
      loss[j]! += (estimate.value[j]! - exact) ** 2 / RUNS;
      if (estimate.low[j]! <= exact && exact <= estimate.high[j]!) covered[j]!++;
    });
  }
  await backend.dispose();
  return { loss, covered, without };
}

test('parts of one net: intervals hold at least as often as they say, about numbers that are several times as good', async () => {
  const shared = await measure('shared');
  const independent = await measure('independent');
  expect(shared.loss[0]! / independent.loss[0]!).toBeLessThan(0.5);
  expect(shared.loss[1]! / independent.loss[1]!).toBeLessThan(1);
  // 102 of 120 is 4.9 standard deviations below 95 %: probability below 1e-6.
  for (const hits of [...shared.covered, ...independent.covered]) expect(hits).toBeGreaterThanOrEqual(103);
  // Without the wide part of its component some runs find the event too heavy for an interval.
  expect([shared.without, independent.without]).toEqual([0, 0]);
});
