import { show } from '../check.ts';
import { OptionError } from '../errors.ts';

/** A law of one real number. Immutable. */
export interface Law {
  /** The constructor's name: 'triangular'. */
  readonly name: string;
  /** Its parameters by name, as given. */
  readonly parameters: Readonly<Record<string, number | readonly number[]>>;
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
