import { expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { normal } from '../../../engine/distribution/normal.ts';
import { batch } from '../../../engine/model/model.ts';
import { run } from '../../../engine/run.ts';
import { expectations } from '../../../estimators/importance/expectations/expectations.ts';

const RUNS = 120;
/** phi_1 = exp(x / 2), phi_2 = x^2 under N(1, 1): I = exp(5 / 8), 2. */
const model = batch((x, out) => {
  for (let i = 0; i < x.length; i++) {
    out[2 * i] = Math.exp(x[i]! / 2);
    out[2 * i + 1] = x[i]! ** 2;
  }
});
const EXACT = [Math.exp(0.625) / 2, Math.log(Math.exp(0.625) + 2)];

for (const design of ['sobol', 'iid'] as const) {
  test(`expectations(): delta-method intervals of functionals cover as often as they say, ${design}`, async () => {
    const covered = [0, 0, 0];
    const narrow = [0, 0];
    let without = 0;
    for (let seed = 1; seed <= RUNS; seed++) {
      const { functionals, estimate } = await run(
        expectations({
          model,
          inputs: { x: normal(1, 1) },
          outputs: ['exponential', 'square'],
          points: 1024,
          design,
          functionals: {
            ratio: { value: ([a, b]) => a! / b! },
            log: {
              value: ([a, b]) => Math.log(a! + b!),
              gradient: ([a, b], out) => out.fill(1 / (a! + b!)),
            },
          },
        }),
        { seed, backend: jsBackend() },
      );
      if (Number.isNaN(functionals.low[0]!)) {
        without++;
        continue;
      }
      EXACT.forEach((exact, s) => {
        const [low, high] = [functionals.low[s]!, functionals.high[s]!];
        if (low <= exact && exact <= high) covered[s]!++;
        // Half the interval must be found out.
        const [middle, quarter] = [(low + high) / 2, (high - low) / 4];
        if (Math.abs(exact - middle) <= quarter) narrow[s]!++;
      });
      if (estimate.low[0]! <= Math.exp(0.625) && Math.exp(0.625) <= estimate.high[0]!) covered[2]!++;
    }
    // From 512 final points a tail cannot always be told from a heavy one.
    expect(without).toBeLessThan(RUNS / 5);
    const n = RUNS - without;
    // Binomial(n, 0.95) is below by 4.9 standard deviations with probability below 1e-6; iid may lie above, being conservative.
    const least = 0.95 * n - 4.892 * Math.sqrt(n * 0.95 * 0.05);
    for (const hits of covered) expect(hits).toBeGreaterThanOrEqual(least);
    for (const hits of narrow) expect(hits).toBeLessThan(least);
  });
}
