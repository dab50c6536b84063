import { expect, test } from 'vitest';
import { beta } from '../../engine/distribution/beta.ts';
import { exponential } from '../../engine/distribution/exponential.ts';
import { gamma } from '../../engine/distribution/gamma.ts';
import { logNormal } from '../../engine/distribution/log-normal.ts';
import { independent } from '../../engine/distribution/multivariate.ts';
import { multivariateMixture } from '../../engine/distribution/multivariate-mixture.ts';
import { multivariateNormal } from '../../engine/distribution/multivariate-normal.ts';
import { normal } from '../../engine/distribution/normal.ts';
import { studentT } from '../../engine/distribution/student-t.ts';
import { truncated } from '../../engine/distribution/truncated.ts';
import { uniform } from '../../engine/distribution/uniform.ts';
import { weibull } from '../../engine/distribution/weibull.ts';
import { lawGradient } from '../../engine/kernel/law-gradient.ts';
import { checkGradient } from '../../engine/model/numeric-gradient.ts';
import { drawsOf } from './targets.ts';

const COVARIANCE = [
  [2, 0.5],
  [0.5, 1],
] as const;

test.each([
  multivariateNormal([1, -1], COVARIANCE),
  multivariateMixture(
    [multivariateNormal([1, -1], COVARIANCE), multivariateNormal([-2, 0], COVARIANCE)],
    [1, 3],
  ),
  independent([normal(1, 2), uniform(-1, 3), logNormal(0.3, 0.8), exponential(2)]),
  independent([gamma(3, 0.5), beta(2, 3, -1, 2), studentT(4, 1, 2), truncated(normal(0, 1), 0.5, 2)]),
])('lawGradient(): differences agree for $name ($dimension)', async (law) => {
  const density = lawGradient(law)!;
  const x = drawsOf(law, 20, 1);
  await checkGradient(density, x, law.dimension);
  const out = new Float64Array(20);
  const plain = new Float64Array(20);
  law.logDensity(x, plain);
  await density.gradient(x, out, new Float64Array(x.length));
  expect(out).toEqual(plain);
});

test('lawGradient(): a law without a known slope, or a density of the user, has none', () => {
  expect(lawGradient(independent([normal(0, 1), weibull(2, 1)]))).toBeUndefined();
  const own = { dimension: 1, logDensity() {}, transport() {} };
  expect(lawGradient(own)).toBeUndefined();
});
