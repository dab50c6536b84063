import { checkOptionNames, show } from '../../../engine/check.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { Functional } from './types.ts';
import { checkRecord } from './wanted.ts';

/*
 * Smooth functions psi(I) of J expectations by the delta method: Var psi(I^) = D S D', S the covariance of I^.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | I^ | value | [J] |
 * | D = d psi / d I | gradient | [J] |
 */

/** A functional and its name, checked. */
export interface NamedFunctional extends Functional {
  readonly name: string;
}

const NAMES: readonly (keyof Functional)[] = ['value', 'gradient'];

/** @throws OptionError for a functional that is no { value, gradient }, or has the name of an expectation. */
export function checkFunctionals(
  where: string,
  functionals: Readonly<Record<string, Functional>> = {},
  taken: readonly string[] = [],
): readonly NamedFunctional[] {
  checkRecord(where, 'functionals', functionals, '{ name: { value, gradient } }');
  return Object.entries(functionals).map(([name, functional]) => {
    const option = `functionals.${name}`;
    checkOptionNames(`${where}: ${option}`, functional, NAMES);
    const { value, gradient } = functional;
    const bad = (what: string, found: unknown, expected: string): OptionError =>
      new OptionError({
        where,
        option: what,
        value: found,
        found: `option \`${what}\` is ${show(found)}`,
        expected,
      });
    if (typeof value !== 'function')
      throw bad(`${option}.value`, value, 'a function of the expectations [J]');
    if (gradient !== undefined && typeof gradient !== 'function')
      throw bad(`${option}.gradient`, gradient, 'a function (expectations, out) that fills out [J]');
    if (taken.includes(name)) throw bad('functionals', name, 'names that no expectation has');
    return { name, value, ...(gradient === undefined ? {} : { gradient }) };
  });
}

/** Relative step at which rounding and curvature cost central differences least. */
const STEP = Math.cbrt(2 ** -52);

/**
 * d psi / d I at `value` [J] into `out` [J]: the functional's own gradient, or central differences.
 *
 * The step of I_j is 6e-6 times the largest of |I_j| and its standard error, or, where both are 0 or unknown, of the
 * largest |I_k|. An entry that is NaN stays so, and its slope is 0 where psi does not depend on it.
 * @param standardError [J]; absent where there is none yet.
 */
export function gradientOf(
  functional: Functional,
  value: Float64Array,
  out: Float64Array,
  standardError?: Float64Array,
): void {
  if (functional.gradient !== undefined) {
    functional.gradient(value.slice(), out.fill(Number.NaN));
    return;
  }
  const largest = value.reduce((most, x) => Math.max(most, Math.abs(x) || 0), 0);
  const at = value.slice();
  const centre = functional.value(at.slice());
  for (let j = 0; j < value.length; j++) {
    const own = value[j]!;
    if (Number.isNaN(own)) {
      out[j] = dependsOn(functional, value, j, centre) ? Number.NaN : 0;
      continue;
    }
    const scale = Math.max(Math.abs(own), standardError?.[j] || 0) || largest || 1;
    // Both ends as numbers, so that their distance is what was really moved.
    const [low, high] = [own - STEP * scale, own + STEP * scale];
    at[j] = high;
    const above = functional.value(at.slice());
    at[j] = low;
    const below = functional.value(at.slice());
    at[j] = own;
    out[j] = (above - below) / (high - low);
  }
}

/** Whether psi changes when an unknown entry is given a value. */
function dependsOn(functional: Functional, value: Float64Array, j: number, centre: number): boolean {
  const known = value.slice();
  known[j] = 1;
  return !Object.is(functional.value(known), centre) || Number.isNaN(centre);
}

/**
 * D [S, J] of S functionals at I [J], for a sample that is spent on them. A slope that is not finite there, as that of
 * a ratio of two zeros, has no say: 0.
 */
export function gradientsOf(
  functionals: readonly Functional[],
  value: Float64Array,
  out: Float64Array,
): void {
  const J = value.length;
  functionals.forEach(
    (functional, s) => void gradientOf(functional, value, out.subarray(s * J, (s + 1) * J)),
  );
  for (let at = 0; at < out.length; at++) if (!Number.isFinite(out[at]!)) out[at] = 0;
}

/** psi(I^) and the square root of D S D'; NaN where either is not finite, never an error of 0. */
export function deltaMethod(
  functional: Functional,
  value: Float64Array,
  covariance: Float64Array,
): { readonly value: number; readonly standardError: number } {
  const J = value.length;
  const gradient = new Float64Array(J);
  const errors = Float64Array.from(value, (_, j) => Math.sqrt(covariance[j * J + j]!));
  const psi = functional.value(value.slice());
  if (!Number.isFinite(psi)) return { value: Number.NaN, standardError: Number.NaN };
  gradientOf(functional, value, gradient, errors);
  let variance = 0;
  for (let j = 0; j < J; j++) {
    // An expectation that psi does not depend on may be unknown.
    if (gradient[j] === 0) continue;
    for (let k = 0; k < J; k++) {
      if (gradient[k] !== 0) variance += gradient[j]! * covariance[j * J + k]! * gradient[k]!;
    }
  }
  const standardError = Math.sqrt(variance);
  return {
    value: psi,
    standardError: standardError > 0 && standardError < Infinity ? standardError : Number.NaN,
  };
}
