import { expect, test } from 'vitest';
import { normalScore } from '../../engine/distribution/joint-parts.ts';
import {
  beta,
  binomial,
  empirical,
  exponential,
  gamma,
  gumbel,
  type Law,
  logNormal,
  mixture,
  normal,
  OptionError,
  type Perturbation,
  pareto,
  perturbed,
  poisson,
  studentT,
  triangular,
  truncated,
  uniform,
  upperQuantile,
  weibull,
} from '../../engine/index.ts';
import { integrateProbability } from '../../engine/math/quadrature.ts';

const CASES: readonly (readonly [Law, Perturbation])[] = [
  [uniform(0, 1), { mean: 0.8 }],
  [uniform(0, 1), { variance: 0.02 }],
  [uniform(0, 1), { mean: 0.4, variance: 0.2 }],
  [triangular(0, 0.3, 1), { mean: 0.6 }],
  [beta(2, 3), { mean: 0.7 }],
  [gumbel(0, 1), { mean: 2 }],
  [gumbel(0, 1), { variance: 3 }],
  [weibull(2, 1), { variance: 0.1 }],
  [weibull(0.7, 1), { mean: 2 }],
  [truncated(normal(30, 8), 15), { mean: 40 }],
  [gamma(2, 3), { variance: 25 }],
  [gamma(2, 3), { mean: 5, space: 'normals' }],
  [logNormal(0, 0.5), { mean: 0.8, space: 'inputs' }],
  [studentT(5), { mean: 1 }],
  [pareto(3, 1), { mean: 2 }],
  [mixture([normal(0, 1), normal(5, 0.5)], [0.3, 0.7]), { mean: 2 }],
];
const named = CASES.map(([law, to]) => [`${law.describe()} to ${JSON.stringify(to)}`, law, to] as const);

/** E[g(X)] of a continuous law. */
function average(law: Law, g: (x: number) => number): number {
  return integrateProbability((p, q) => g(p < q ? law.quantile(p) : upperQuantile(law, q)), 1e-10);
}

test.each(named)('perturbed: %s has the moments asked for, and its own mean and variance', (_, law, to) => {
  const found = perturbed(law, to);
  const mean = average(found, (x) => x);
  const scale = Math.sqrt(found.variance);
  expect(Math.abs(mean - (to.mean ?? law.mean))).toBeLessThan(1e-9 * scale);
  expect(found.mean).toBe(to.mean ?? law.mean);
  const variance = average(found, (x) => (x - mean) ** 2);
  expect(variance / found.variance).toBeCloseTo(1, 8);
  if (to.variance !== undefined) expect(variance / to.variance).toBeCloseTo(1, 7);
});

test.each(named)('perturbed: %s integrates to one, and cdf, survival and quantiles agree', (_, law, to) => {
  const found = perturbed(law, to);
  const whole = average(law, (x) => {
    const ratio = Math.exp(found.logDensity(x) - law.logDensity(x));
    return Number.isFinite(ratio) ? ratio : 0;
  });
  expect(whole).toBeCloseTo(1, 8);
  for (const p of [1e-6, 0.01, 0.3, 0.5, 0.9]) {
    expect(found.cdf(found.quantile(p)) / p).toBeCloseTo(1, 7);
    expect(found.survival(upperQuantile(found, p)) / p).toBeCloseTo(1, 7);
  }
  // The density is the slope of the distribution function.
  const x = found.quantile(0.3);
  const step = 1e-5 * Math.sqrt(found.variance);
  const slope = (found.cdf(x + step) - found.cdf(x - step)) / (2 * step);
  expect(slope / Math.exp(found.logDensity(x))).toBeCloseTo(1, 6);
});

test('perturbed: a tilted density is the given one times exp(l_1 x + l_2 x^2 - K)', () => {
  for (const [law, to] of CASES.filter(([, { space }]) => space === undefined).slice(0, 5)) {
    const found = perturbed(law, to);
    const ratio = (p: number): number => {
      const x = law.quantile(p);
      return found.logDensity(x) - law.logDensity(x);
    };
    const [a, b, c, d] = [0.1, 0.35, 0.6, 0.9].map(
      (p) => [law.quantile(p), ratio(p)] as const,
    ) as unknown as [[number, number], [number, number], [number, number], [number, number]];
    const slope = (p: readonly number[], q: readonly number[]): number => (q[1]! - p[1]!) / (q[0]! - p[0]!);
    const curve = (slope(b, c) - slope(a, b)) / (c[0] - a[0]);
    const next = (slope(c, d) - slope(b, c)) / (d[0] - b[0]);
    expect(next).toBeCloseTo(curve, 7);
    if (to.variance === undefined) expect(curve).toBeCloseTo(0, 7);
    else expect(Math.abs(curve)).toBeGreaterThan(0.1);
  }
});

test('perturbed: laws that stay in their family do', () => {
  expect(perturbed(normal(1, 2), { mean: 3 }).parameters).toEqual({ mean: 3, sd: 2 });
  expect(perturbed(normal(1, 2), { variance: 9 }).parameters).toEqual({ mean: 1, sd: 3 });
  expect(perturbed(exponential(2), { mean: 4 }).parameters).toEqual({ rate: 0.25 });
  expect(perturbed(gamma(2, 3), { mean: 5 }).parameters).toEqual({ shape: 2, scale: 2.5 });
  expect(perturbed(poisson(3), { mean: 4 }).parameters).toEqual({ mean: 4 });
  expect(perturbed(binomial(10, 0.3), { mean: 5 }).parameters).toEqual({ trials: 10, probability: 0.5 });
  const wider = perturbed(logNormal(0.3, 0.5), { mean: 2 });
  expect(wider.name).toBe('logNormal');
  expect([wider.mean, wider.parameters.sigma]).toEqual([expect.closeTo(2, 12), expect.closeTo(0.5, 12)]);
});

test('perturbed: numeric tilts agree with the closed forms they would replace', () => {
  // A truncation that cuts nothing hides the family.
  const tilted = perturbed(truncated(normal(1, 2), -1e3, 1e3), { mean: 3, variance: 1 });
  const known = normal(3, 1);
  for (const x of [0, 1.5, 3, 4, 6]) {
    expect(tilted.logDensity(x)).toBeCloseTo(known.logDensity(x), 9);
    expect(tilted.cdf(x) / known.cdf(x)).toBeCloseTo(1, 9);
  }
  const atoms = perturbed(truncated(poisson(3), 0, 1e6), { mean: 4 });
  for (const k of [0, 3, 11]) expect(atoms.logDensity(k)).toBeCloseTo(poisson(4).logDensity(k), 9);
  const moved = perturbed(truncated(logNormal(0, 0.5), 0, 1e300), { mean: 2, space: 'normals' });
  const family = perturbed(logNormal(0, 0.5), { mean: 2 });
  for (const x of [0.5, 2, 7]) expect(moved.cdf(x)).toBeCloseTo(family.cdf(x), 9);
});

test('perturbed: data are reweighted, the most even weights with that mean', () => {
  const found = perturbed(empirical([3, 1, 1, 2.5, -4]), { mean: 2 });
  expect(found.mean).toBeCloseTo(2, 12);
  const mass = (x: number, of: number): number => found.logDensity(x) - Math.log(of / 5);
  expect((mass(3, 1) - mass(1, 2)) / 2).toBeCloseTo((mass(2.5, 1) - mass(-4, 1)) / 6.5, 10);
});

test('perturbed: heavy tails are changed in standard-normal space, which their names say', () => {
  expect(perturbed(studentT(5), { mean: 1 }).describe()).toContain('standard-normal space');
  expect(perturbed(gumbel(0, 1), { variance: 3 }).describe()).toContain('standard-normal space');
  expect(perturbed(gumbel(0, 1), { mean: 2 }).describe()).not.toContain('standard-normal space');
  const moved = perturbed(pareto(3, 1), { mean: 2 });
  const shift = normalScore(pareto(3, 1), moved.quantile(0.5));
  expect(normalScore(pareto(3, 1), moved.quantile(0.9)) - shift).toBeCloseTo(1.2815515655446004, 9);
});

test('perturbed: what no law can have is refused', () => {
  const bad: readonly (readonly [Law, Perturbation])[] = [
    [uniform(0, 1), { mean: 1.2 }],
    [uniform(0, 1), { mean: 0 }],
    [uniform(0, 1), { variance: 0.25 }],
    [uniform(0, 1), { variance: -1 }],
    [uniform(0, 1), {}],
    [normal(0, 1), { mean: Number.NaN }],
    [studentT(1), { mean: 1 }],
    [studentT(2), { variance: 3 }],
    [logNormal(0, 0.5), { mean: 2, space: 'inputs' }],
    [gamma(2, 3), { variance: 25, space: 'inputs' }],
    [poisson(3), { variance: 4 }],
    [binomial(1, 0.3), { variance: 0.1 }],
    [normal(0, 1), { meen: 1 } as never],
  ];
  for (const [law, to] of bad) expect(() => perturbed(law, to), JSON.stringify(to)).toThrow(OptionError);
});
