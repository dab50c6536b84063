import { checkOneOf, MOST_BYTES, spaced } from '../../../engine/check.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { SchemeName } from '../../../engine/particles/resampling/scheme.ts';
import { RESAMPLING_SCHEMES, SCHEME_NAMES } from '../../../engine/particles/resampling/schemes.ts';

/**
 * Chains of (theta, Z-hat) follow the posterior because Z-hat is unbiased.
 * @throws OptionError for a scheme under which it is not.
 */
export function checkUnbiasedScheme(where: string, scheme: SchemeName): void {
  const unbiased = SCHEME_NAMES.filter((name) => RESAMPLING_SCHEMES[name].unbiased);
  checkOneOf(where, 'scheme', scheme, unbiased);
}

/** What chains keep: draws after the warm-up and within it, in numbers for each chain. */
export interface KeptDraws {
  readonly chains: number;
  readonly iterations: number;
  readonly warmup: number;
  /** Numbers of one draw that is kept, and of one of the warm-up. */
  readonly width: number;
  readonly warmupWidth: number;
}

/** @throws OptionError when the draws need more memory than there is. */
export function checkDraws(where: string, kept: KeptDraws): void {
  const { chains, iterations, warmup, width, warmupWidth } = kept;
  const bytes = 8 * chains * (iterations * width + warmup * warmupWidth);
  if (bytes <= MOST_BYTES) return;
  const gibibytes = (amount: number): string => spaced(Number((amount / 2 ** 30).toPrecision(3)));
  throw new OptionError({
    where,
    option: 'iterations',
    value: iterations,
    found: `${spaced(iterations)} draws of ${chains} chains after ${spaced(warmup)} of warm-up need ${gibibytes(bytes)} GiB`,
    expected: `at most ${gibibytes(MOST_BYTES)} GiB`,
    fix: 'Use fewer iterations, or fewer chains.',
  });
}
