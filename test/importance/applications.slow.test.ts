import { test } from 'vitest';
import { drawLaw, normal, type Rng, reweight, type WeightedResult } from '../../estimators/index.ts';
import { expectCoverage, expectMeans, expectRejected, replicate } from '../support/law.ts';

const inputs = { a: normal(1, 1), b: normal(0, 2) };

/** Independent points of Y = 2 a - b + 3. */
function drawn(rng: Rng, n: number): WeightedResult {
  const a = drawLaw(inputs.a, rng, n, { sub: 0 });
  const b = drawLaw(inputs.b, rng, n, { sub: 1 });
  const points = Float64Array.from({ length: 2 * n }, (_, i) => (i % 2 === 0 ? a[i >> 1]! : b[i >> 1]!));
  const values = a.map((x, i) => 2 * x - b[i]! + 3);
  return {
    sample: { points, shape: [n, 2], logWeight: new Float64Array(n) },
    outputs: { names: ['y'], values },
    design: { perReplicate: n, independent: true },
  };
}

test('reweight: plain means are unbiased, and 95 % intervals of independent points cover', () => {
  const laws = { shifted: { inputs: { a: normal(1.5, 1) } } };
  const truth = 6 + 0.8416212335729143 * Math.sqrt(8);
  let hits = 0;
  let wrong = 0;
  const means = replicate(1000, 1, (rng) => {
    const result = drawn(rng, 150);
    const { estimate } = reweight({ result, inputs, laws, quantiles: [0.8] }).laws[0]!;
    if (estimate.low[1]! < truth && truth < estimate.high[1]!) hits++;
    if (estimate.low[1]! < truth - 1 && truth - 1 < estimate.high[1]!) wrong++;
    return estimate.value[0]!;
  });
  expectMeans(means, 6);
  // The mean under the law that was run is no answer.
  expectRejected(() => expectMeans(means, 5));
  expectCoverage(hits);
  expectRejected(() => expectCoverage(wrong));
});
