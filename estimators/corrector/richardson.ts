import { show } from '../../engine/check.ts';
import { OptionError } from '../../engine/errors.ts';
import type { Estimate } from '../../engine/types.ts';
import type { CorrectorResult } from './types.ts';

/**
 * log Z and means without the error of first order in the step, from two results of one target of which `fine` has twice the
 * steps: 2 fine - coarse. The runs are independent when their seeds differ, so errors add in squares: 2 se_fine and se_coarse.
 * Weights that are exact for any step have no such error.
 * @throws OptionError unless one has twice the steps of the other, and as many dimensions.
 */
export function richardson(coarse: CorrectorResult, fine: CorrectorResult): Estimate {
  for (const [option, given] of Object.entries({ coarse, fine })) checkResult(option, given);
  const [few, many] = [coarse.trace.time.length, fine.trace.time.length];
  const [a, b] = [coarse.estimate, fine.estimate];
  if (many !== 2 * few || a.names.length !== b.names.length) {
    throw new OptionError({
      where: 'richardson',
      option: 'fine',
      value: many,
      found: `results of ${few} and ${many} steps, with ${a.names.length} and ${b.names.length} estimates`,
      expected: 'one target, and twice the steps in the second',
    });
  }
  return {
    names: b.names,
    value: b.value.map((value, k) => 2 * value - a.value[k]!),
    standardError: b.standardError.map((error, k) => Math.hypot(2 * error, a.standardError[k]!)),
  };
}

function checkResult(option: string, given: CorrectorResult): void {
  if (given?.trace?.time !== undefined && given.estimate !== undefined) return;
  throw new OptionError({
    where: 'richardson',
    option,
    value: given,
    found: `option \`${option}\` is ${show(given)}`,
    expected: 'the result of a corrector',
    fix: 'Try richardson(await run(corrector(...)), await run(corrector(...))).',
  });
}
