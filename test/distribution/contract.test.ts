import { expect, test } from 'vitest';
import {
  beta,
  binomial,
  categorical,
  discreteUniform,
  empirical,
  exponential,
  gamma,
  gumbel,
  type Law,
  logNormal,
  logNormalFromMean,
  logUniform,
  mixture,
  normal,
  pareto,
  poisson,
  studentT,
  triangular,
  truncated,
  uniform,
  upperQuantile,
  weibull,
} from '../../engine/index.ts';
import { nextDown } from '../../engine/math/neighbour.ts';
import { integrateProbability } from '../../engine/math/quadrature.ts';

// One row covers a new law: every promise of the interface `Law` is tested on it.
const LAWS: readonly Law[] = [
  uniform(-2, 3),
  uniform(1e6, 1e6 + 1),
  logUniform(1e-3, 10),
  normal(30, 8),
  logNormal(0.5, 0.8),
  logNormalFromMean(500, 0.1),
  triangular(49, 50, 51),
  triangular(0, 0, 1),
  triangular(0, 1, 1),
  exponential(0.25),
  gumbel(1013, 558),
  weibull(1.5, 2),
  weibull(0.7, 3, 10),
  gamma(0.3, 2),
  gamma(2.5, 1),
  gamma(1000, 0.1),
  beta(2, 3),
  beta(0.5, 0.5, -1, 4),
  studentT(3),
  studentT(30, 5, 2),
  pareto(3, 2),
  truncated(normal(30, 8), 15),
  truncated(normal(0, 1), 8),
  truncated(gumbel(1013, 558), 500, 3000),
  truncated(gamma(2.5, 1), 1, 6),
  truncated(triangular(0, 1, 3), 0.5, 2),
  truncated(truncated(normal(0, 1), -3), -1, 2),
  mixture([normal(0, 1), normal(5, 0.5)], [0.3, 0.7]),
  mixture([uniform(0, 1), exponential(1), gamma(5, 1)]),
  discreteUniform(-3, 7),
  discreteUniform(4, 4),
  categorical([1, 0, 2, 7]),
  categorical([0.1, 0.2, 0.3], [5, -2, 2.5]),
  poisson(0.3),
  poisson(12.5),
  poisson(2000),
  binomial(10, 0.3),
  binomial(1000, 0.99),
  empirical([3, 1, 1, 2.5, -4]),
  truncated(poisson(3), 2),
  truncated(binomial(10, 0.3), 1, 5),
  truncated(categorical([1, 2, 3, 4]), 1, 2.5),
  truncated(empirical([3, 1, 1, 2.5, -4]), 0),
  mixture([poisson(2), binomial(10, 0.5)]),
];
const PROBABILITIES = [1e-12, 1e-6, 0.003, 0.1, 0.25, 0.4999, 0.5, 0.7, 0.95, 0.9999, 1 - 1e-9];

const named = LAWS.map((law) => [law.describe(), law] as const);
const continuous = named.filter(([, law]) => !law.discrete);
const discrete = named.filter(([, law]) => law.discrete);

test.each(named)('%s: the ends, and numbers outside [0, 1], are answered as the interface says', (_, law) => {
  const [low, high] = law.support;
  expect(law.quantile(0)).toBe(low);
  expect(law.quantile(1)).toBe(high);
  expect(upperQuantile(law, 0)).toBe(high);
  expect(upperQuantile(law, 1)).toBe(low);
  for (const p of [-0.1, 1.1, Number.NaN, -1e-300]) {
    expect(law.quantile(p)).toBeNaN();
    expect(upperQuantile(law, p)).toBeNaN();
  }
  expect([law.cdf(-Infinity), law.cdf(Infinity)]).toEqual([0, 1]);
  expect([law.survival(-Infinity), law.survival(Infinity)]).toEqual([1, 0]);
  expect(law.logDensity(-Infinity)).toBe(-Infinity);
  expect(law.logDensity(Infinity)).toBe(-Infinity);
  for (const f of [law.cdf, law.survival, law.logDensity]) expect(f(Number.NaN)).toBeNaN();
  if (Number.isFinite(low)) {
    expect([law.cdf(low - 1), law.survival(low - 1), law.logDensity(low - 1)]).toEqual([0, 1, -Infinity]);
    expect(law.survival(low) + law.cdf(low)).toBeCloseTo(1, 14);
  }
  if (Number.isFinite(high))
    expect([law.cdf(high), law.survival(high), law.logDensity(high + 1)]).toEqual([1, 0, -Infinity]);
});

test.each(named)('%s: cdf and quantile never decrease, and cdf + survival = 1', (_, law) => {
  let before = -Infinity;
  let cdfBefore = 0;
  for (let i = 1; i < 400; i++) {
    const x = law.quantile(i / 400);
    expect(x).toBeGreaterThanOrEqual(before);
    const cdf = law.cdf(x);
    expect(cdf).toBeGreaterThanOrEqual(cdfBefore);
    expect(Math.abs(cdf + law.survival(x) - 1)).toBeLessThan(1e-14);
    before = x;
    cdfBefore = cdf;
  }
});

test.each(continuous)('%s: cdf(quantile(p)) = p and survival(upperQuantile(q)) = q', (_, law) => {
  for (const p of PROBABILITIES) {
    // x carries half an ulp of itself (and of the numbers it was added to); the density turns that into probability.
    for (const [x, tail] of [
      [law.quantile(p), law.cdf],
      [upperQuantile(law, p), law.survival],
    ] as const) {
      const size = Math.max(Math.abs(x), ...law.support.filter(Number.isFinite).map(Math.abs));
      const moved = 4 * 2 ** -52 * size * Math.exp(law.logDensity(x));
      expect(Math.abs(tail(x) - p), `at ${p}`).toBeLessThanOrEqual(1e-12 * p + moved);
    }
  }
});

test.each(continuous)('%s: the density is the derivative of the cdf', (_, law) => {
  for (const p of [0.01, 0.2, 0.5, 0.81, 0.99]) {
    const x = law.quantile(p);
    const density = Math.exp(law.logDensity(x));
    // Central differences of the smaller tail over a thousandth of it: error about 1e-6, 3e-4 at a corner of f.
    const h = (1e-3 * Math.min(p, 1 - p)) / density;
    const rise = p < 0.5 ? law.cdf(x + h) - law.cdf(x - h) : law.survival(x - h) - law.survival(x + h);
    expect(rise / (2 * h) / density, `at ${p}`).toBeCloseTo(1, 3);
  }
});

test.each(continuous)('%s: mean and variance are the integrals of the quantile function', (_, law) => {
  const x = (p: number, q: number): number => (p < q ? law.quantile(p) : upperQuantile(law, q));
  const scale = Math.sqrt(law.variance);
  const mean = integrateProbability((p, q) => x(p, q) - law.mean);
  expect(Math.abs(mean)).toBeLessThan(1e-9 * scale + 1e-15 * Math.abs(law.mean));
  const variance = integrateProbability((p, q) => ((x(p, q) - law.mean) / scale) ** 2);
  expect(Math.abs(variance - 1)).toBeLessThan(1e-9);
});

test.each(discrete)('%s: quantile is the smallest x whose cdf reaches p, exactly at the jumps', (_, law) => {
  for (const p of PROBABILITIES) {
    const x = law.quantile(p);
    expect(law.cdf(x)).toBeGreaterThanOrEqual(p);
    expect(law.cdf(nextDown(x))).toBeLessThan(p);
    expect(law.logDensity(x)).toBeGreaterThan(-Infinity);
    if (law.cdf(x) < 1) expect(law.quantile(law.cdf(x))).toBe(x);
    const y = upperQuantile(law, p);
    expect(law.survival(y)).toBeLessThanOrEqual(p);
    expect(law.survival(nextDown(y))).toBeGreaterThan(p);
    if (law.survival(y) > 0) expect(upperQuantile(law, law.survival(y))).toBe(y);
  }
});

test.each(discrete)('%s: the masses of the atoms sum to 1 and give mean and variance', (_, law) => {
  let [total, mean, square, steps] = [0, 0, 0, 0];
  for (let x = law.support[0]; law.survival(nextDown(x)) > 1e-17 && steps < 5000; steps++) {
    const mass = Math.exp(law.logDensity(x));
    expect(Math.abs(law.cdf(x) - law.cdf(nextDown(x)) - mass)).toBeLessThan(1e-14);
    total += mass;
    mean += mass * (x - law.mean);
    square += mass * (x - law.mean) ** 2;
    if (law.survival(x) === 0) break;
    x = upperQuantile(law, nextDown(law.survival(x)));
  }
  expect(total).toBeCloseTo(1, 12);
  expect(Math.abs(mean)).toBeLessThan(1e-11 * Math.max(1, law.mean));
  expect(Math.abs(square - law.variance)).toBeLessThan(1e-10 * Math.max(1, law.variance));
});

test.each(named)('%s: parameters are plain numbers and the description names no NaN', (_, law) => {
  expect(law.describe()).not.toMatch(/NaN|undefined/);
  for (const value of Object.values(law.parameters)) expect(value).not.toBeUndefined();
});
