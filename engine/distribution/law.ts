import { show } from '../check.ts';
import { OptionError } from '../errors.ts';

/** A law of one real number. Immutable. */
export interface Law {
  /** The constructor's name: 'triangular'. */
  readonly name: string;
  /** Its parameters by name, as given. */
  readonly parameters: Readonly<Record<string, number | readonly number[]>>;
  /** The law that was cut, of a truncated one. */
  readonly base?: Law;
  readonly discrete: boolean;
  /** Smallest and largest possible value; may be infinite. */
  readonly support: readonly [number, number];
  /** NaN where the integral does not exist, Infinity where it diverges. */
  readonly mean: number;
  readonly variance: number;
  /** log density, or log mass for a discrete law; -Infinity outside the support. */
  logDensity(x: number): number;
  /** P(X <= x). */
  cdf(x: number): number;
  /** P(X > x), accurate in the upper tail. */
  survival(x: number): number;
  /** Smallest x with cdf(x) >= p, for p in (0, 1); the ends of the support at 0 and 1; NaN outside [0, 1]. */
  quantile(p: number): number;
  /**
   * Smallest x with survival(x) <= q: `quantile(1 - q)` with full accuracy for tiny q. Optional for laws made
   * elsewhere; read it through `upperQuantile`.
   */
  survivalQuantile?(q: number): number;
  /** 'triangular on [49, 51], mode 50': how a report names it. */
  describe(): string;
}

/**
 * A finite parameter of a law, checked.
 * @throws OptionError naming the law, the parameter and its value.
 */
export function checkParameter(
  law: string,
  parameter: string,
  value: unknown,
  accept: (x: number) => boolean = () => true,
  expected = 'a finite number',
): number {
  if (typeof value === 'number' && Number.isFinite(value) && accept(value)) return value;
  throw new OptionError({
    where: law,
    option: parameter,
    value,
    found: `\`${parameter}\` is ${show(value)}`,
    expected,
  });
}

/** The quantile at upper tail probability q, by the law's own `survivalQuantile` where it has one. */
export function upperQuantile(law: Law, q: number): number {
  return law.survivalQuantile === undefined ? law.quantile(1 - q) : law.survivalQuantile(q);
}

/** What a quantile function answers at 0 (`atZero`), at 1 (`atOne`), and NaN outside [0, 1]. */
export function endpoint(p: number, atZero: number, atOne: number): number {
  return p === 0 ? atZero : p === 1 ? atOne : Number.NaN;
}

/** A location and a positive scale, checked. */
export function checkScale(law: string, parameter: string, value: unknown): number {
  return checkParameter(law, parameter, value, (x) => x > 0, 'a finite number above 0');
}

/** log density of a point that is not in the support: -Infinity, but NaN stays NaN. */
export function outside(x: number): number {
  return Number.isNaN(x) ? x : -Infinity;
}
