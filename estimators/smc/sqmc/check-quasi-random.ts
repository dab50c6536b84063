import { show } from '../../../engine/check.ts';
import { OptionError } from '../../../engine/errors.ts';
import { HILBERT_DIMENSIONS } from '../../../engine/math/hilbert.ts';

const REPLACED = ['scheme', 'threshold', 'measure'] as const;

/** @throws OptionError for options that quasi-random points leave no room for, or too many dimensions. */
export function checkQuasiRandom(
  where: string,
  asked: Readonly<Partial<Record<(typeof REPLACED)[number], unknown>>>,
  dimension: number,
): void {
  for (const option of REPLACED) {
    const value = asked[option];
    if (value === undefined || (option === 'threshold' && value === 1)) continue;
    throw new OptionError({
      where,
      option,
      value,
      found: `option \`${option}\` is ${show(value)} with quasiRandom: true`,
      expected: 'no such option: one point set chooses all ancestors, at every step',
      fix: `Leave out ${option}, or quasiRandom.`,
    });
  }
  if (dimension <= HILBERT_DIMENSIONS) return;
  throw new OptionError({
    where,
    option: 'quasiRandom',
    value: true,
    found: `quasiRandom is true for a state of ${dimension} dimensions`,
    expected: `at most ${HILBERT_DIMENSIONS}, in which particles can be put in an order`,
    fix: 'Leave out quasiRandom.',
  });
}
