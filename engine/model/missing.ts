import { show } from '../check.ts';
import { ModelError, OptionError, type PointFailure } from '../errors.ts';
import { serverFault } from './server-fault.ts';

/** 'error': the run fails; 'drop-row': leave the row out everywhere; a number: put it in place of the output. */
export type MissingPolicy = 'error' | 'drop-row' | number;

/** Failures kept in a result; further ones are only counted. */
export const KEPT_FAILURES = 1000;

/** Inputs of the first failed point that a message shows. */
const SHOWN_INPUTS = 8;

/**
 * @throws OptionError unless the policy is one of the three.
 */
export function checkMissing(where: string, policy: unknown): MissingPolicy {
  if (policy === 'error' || policy === 'drop-row') return policy;
  if (typeof policy === 'number' && Number.isFinite(policy)) return policy;
  throw new OptionError({
    where,
    option: 'missing',
    value: policy,
    found: `option \`missing\` is ${show(policy)}`,
    expected: "'error', 'drop-row' or a finite number",
  });
}

const FIX = 'Fix the model there';

/** What to do where the model cannot be mended and no row may be left out. */
export const NUMBER_INSTEAD = 'or give the output a number there with missing: 0';

/**
 * The error of a model that failed at some points: how many, the first one with its inputs, and what to do.
 * @param otherwise what to do where the model cannot be mended.
 */
export function modelFailure(
  where: string,
  names: readonly string[],
  failures: readonly PointFailure[],
  failed: number,
  evaluated: number,
  otherwise = "or leave those rows out with missing: 'drop-row'",
): ModelError {
  const first = failures[0]!;
  const { expected, act } = serverFault(first.reason) ?? { expected: 'finite numbers', act: FIX };
  return new ModelError({
    where,
    found: `the model ${first.reason} at ${failed} of ${evaluated} points`,
    expected,
    fix: `First: point ${first.index}, ${pointText(names, first.input)}. ${act}, ${otherwise}.`,
    failures,
  });
}

/** The inputs at a point, for a message: 'a = 1, b = 2, and 3 more'. */
export function pointText(names: readonly string[], input: Float64Array): string {
  const shown = names.slice(0, SHOWN_INPUTS).map((name, c) => `${name} = ${short(input[c]!)}`);
  if (names.length > SHOWN_INPUTS) shown.push(`and ${names.length - SHOWN_INPUTS} more`);
  return shown.join(', ');
}

/** At most six significant digits, for a message. */
function short(x: number): string {
  return String(Number(x.toPrecision(6)));
}
