import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  beta,
  binomial,
  exponential,
  gamma,
  gumbel,
  type Law,
  logNormal,
  logUniform,
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

type Four = readonly [number, number, number, number];
type Three = readonly [number, number, number];
interface ContinuousCase {
  readonly law: string;
  readonly args: readonly number[];
  readonly mean: number | null;
  readonly variance: number | null;
  readonly points: readonly Four[];
  readonly quantiles: readonly Three[];
  readonly upper: readonly Three[];
}
interface TruncatedCase {
  readonly base: string;
  readonly args: readonly number[];
  readonly lower: number | null;
  readonly upper: number | null;
  readonly mean: number;
  readonly variance: number;
  readonly quantiles: readonly (readonly [number, number])[];
}
interface DiscreteCase {
  readonly law: string;
  readonly args: readonly number[];
  readonly mean: number;
  readonly variance: number;
  readonly jumps: readonly Four[];
}
interface Reference {
  readonly continuous: readonly ContinuousCase[];
  readonly truncated: readonly TruncatedCase[];
  readonly discrete: readonly DiscreteCase[];
}

const reference: Reference = JSON.parse(
  readFileSync(new URL('../reference/laws.json', import.meta.url), 'utf8'),
);

// Relative error of a cdf or survival at a double x, the reference being computed at that very x. Measured on this
// grid: gamma 8e-15, beta 2.6e-13, Student t 8e-15, Poisson 1e-14, binomial 1.6e-13, all others but `granule` 8e-15.
const BOUND = 1e-12;
const ULP = 2 ** -52;

const MAKE: Readonly<Record<string, (a: readonly number[]) => Law>> = {
  uniform: ([a, b]) => uniform(a!, b!),
  logUniform: ([a, b]) => logUniform(a!, b!),
  normal: ([a, b]) => normal(a!, b!),
  logNormal: ([a, b]) => logNormal(a!, b!),
  triangular: ([a, b, c]) => triangular(a!, b!, c!),
  exponential: ([a]) => exponential(a!),
  gumbel: ([a, b]) => gumbel(a!, b!),
  weibull: ([a, b, c]) => weibull(a!, b!, c!),
  pareto: ([a, b]) => pareto(a!, b!),
  gamma: ([a, b]) => gamma(a!, b!),
  beta: ([a, b]) => beta(a!, b!),
  studentT: ([a, b, c]) => studentT(a!, b!, c!),
  poisson: ([a]) => poisson(a!),
  binomial: ([a, b]) => binomial(a!, b!),
};
const make = (name: string, args: readonly number[]): Law => MAKE[name]!(args);

/**
 * Rounding of the argument that a law forms from x before it takes a tail: one ulp of x (of mu for the log-normal law)
 * moves the tail by that times the density. Matters at steep laws, as Weibull of shape 2000. The beta law gets none.
 */
function granule({ law, args }: ContinuousCase, x: number): number {
  const near = law === 'logNormal' ? x * Math.abs(args[0]!) : law === 'beta' ? 0 : Math.abs(x);
  return ULP * near;
}

for (const each of reference.continuous) {
  const title = `${each.law}(${each.args.join(', ')})`;
  const law = make(each.law, each.args);

  test(`${title}: cdf, survival and log density agree with 40-digit values on the grid`, () => {
    for (const [x, cdf, survival, logDensity] of each.points) {
      const density = Math.exp(logDensity);
      for (const [what, value, truth] of [
        ['cdf', law.cdf(x), cdf],
        ['survival', law.survival(x), survival],
      ] as const) {
        const error = Math.abs(value - truth);
        expect(error, `${what}(${x})`).toBeLessThanOrEqual(BOUND * truth + granule(each, x) * density);
      }
      const error = Math.abs(law.logDensity(x) - logDensity);
      expect(error, `logDensity(${x})`).toBeLessThanOrEqual(BOUND * Math.max(1, Math.abs(logDensity)));
    }
  });

  test(`${title}: quantiles of both tails agree with 40-digit values`, () => {
    // A relative error BOUND of the tail moves x by BOUND p / f(x): the condition of the quantile.
    for (const [list, quantile] of [
      [each.quantiles, law.quantile],
      [each.upper, (q: number) => upperQuantile(law, q)],
    ] as const) {
      for (const [p, x, perDensity] of list) {
        const error = Math.abs(quantile(p) - x);
        expect(error, `at ${p}`).toBeLessThanOrEqual(BOUND * Math.max(Math.abs(x), perDensity));
      }
    }
  });

  test(`${title}: mean and variance agree with closed forms in 40 digits`, () => {
    if (each.mean !== null)
      expect(Math.abs(law.mean - each.mean)).toBeLessThanOrEqual(BOUND * Math.abs(each.mean));
    if (each.variance !== null)
      expect(Math.abs(law.variance - each.variance)).toBeLessThanOrEqual(BOUND * each.variance);
  });
}

for (const each of reference.truncated) {
  const title = `truncated(${each.base}(${each.args.join(', ')}), ${each.lower}, ${each.upper})`;

  test(`${title}: quantiles, mean and variance agree with 40-digit values`, () => {
    const base = make(each.base, each.args);
    const law = truncated(base, each.lower ?? undefined, each.upper ?? undefined);
    const [low, high] = law.support;
    expect(Math.abs(law.mean - each.mean)).toBeLessThanOrEqual(1e-12 * Math.abs(each.mean) + 1e-15);
    // The variance comes from differences x - mean, each rounded to an ulp of x.
    const slack = 8 * ULP * Math.abs(each.mean) * Math.sqrt(each.variance);
    expect(Math.abs(law.variance - each.variance)).toBeLessThanOrEqual(1e-10 * each.variance + slack);
    for (const [p, x] of each.quantiles) {
      expect(Math.abs(law.quantile(p) - x)).toBeLessThanOrEqual(1e-12 * Math.abs(x));
      expect(law.quantile(p)).toBeGreaterThanOrEqual(low);
      expect(law.quantile(p)).toBeLessThanOrEqual(high);
    }
  });
}

for (const each of reference.discrete) {
  const title = `${each.law}(${each.args.join(', ')})`;
  const law = make(each.law, each.args);

  test(`${title}: cdf, survival and log mass agree with 40-digit values`, () => {
    for (const [k, cdf, survival, logMass] of each.jumps) {
      expect(Math.abs(law.cdf(k) - cdf)).toBeLessThanOrEqual(BOUND * cdf);
      expect(Math.abs(law.survival(k) - survival)).toBeLessThanOrEqual(BOUND * survival);
      expect(Math.abs(law.logDensity(k) - logMass)).toBeLessThanOrEqual(
        BOUND * Math.max(1, Math.abs(logMass)),
      );
    }
    expect(law.mean).toBeCloseTo(each.mean, 9);
    expect(Math.abs(law.variance - each.variance)).toBeLessThanOrEqual(BOUND * each.variance);
  });

  test(`${title}: the quantile steps from k to k + 1 exactly at the 40-digit cdf`, () => {
    for (const [k, cdf, survival] of each.jumps) {
      // 1e-12 on either side of the jump, the accuracy of the cdf; in the half where p resolves it.
      if (cdf < 0.9) {
        expect(law.quantile(cdf * (1 - 1e-12))).toBe(k);
        expect(law.quantile(cdf * (1 + 1e-12))).toBe(k + 1);
      }
      expect(law.quantile(law.cdf(k))).toBe(k);
      if (survival < 0.9) {
        expect(upperQuantile(law, survival * (1 + 1e-12))).toBe(k);
        expect(upperQuantile(law, survival * (1 - 1e-12))).toBe(k + 1);
      }
    }
  });
}
