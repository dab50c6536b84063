import { checkNumber, checkOptionNames, show } from '../check.ts';
import type { Rows } from '../distribution/multivariate.ts';
import { checkSymmetric } from '../distribution/multivariate.ts';
import { factor } from '../distribution/multivariate-normal.ts';
import { OptionError } from '../errors.ts';
import { GRADIENT_FIX } from '../model/gradient-fix.ts';
import type { KernelChoice, KernelFit } from './kernel.ts';
import { type Shape, unitShape } from './shape.ts';

/** Options that most kernels share. */
export interface KernelOptions {
  /** Mean acceptance to which the step size adapts, in (0, 1). */
  readonly acceptance?: number;
  /** Whether the step size adapts at each `tune`. Default true. */
  readonly adapt?: boolean;
}

/** @throws OptionError for an unknown name, an acceptance outside (0, 1), or an `adapt` that is no boolean. */
export function checkKernelOptions(where: string, options: KernelOptions, known: readonly string[]): void {
  checkOptionNames(where, options, ['acceptance', 'adapt', ...known]);
  const { acceptance, adapt } = options;
  if (acceptance !== undefined)
    checkNumber(where, 'acceptance', acceptance, (a) => a > 0 && a < 1, 'a number in (0, 1)');
  if (adapt === undefined || typeof adapt === 'boolean') return;
  throw new OptionError({
    where,
    option: 'adapt',
    value: adapt,
    found: 'option `adapt` is no boolean',
    expected: 'true or false',
  });
}

/** A positive finite number, when there is one. */
export function checkPositive(where: string, option: string, value: unknown): void {
  if (value !== undefined)
    checkNumber(where, option, value, (x) => x > 0 && x < Infinity, 'a finite number above 0');
}

/** The shape of a covariance that was given, or the unit one. */
export function startShape(where: string, covariance: Rows | undefined, d: number): Shape {
  if (covariance === undefined) return unitShape(d);
  const matrix = checkSymmetric(where, 'covariance', covariance, d);
  const spread = Float64Array.from({ length: d }, (_, c) => Math.sqrt(matrix[c * d + c]!));
  return { mean: new Float64Array(d), lower: factor(where, 'covariance', matrix, d), spread };
}

/** @throws OptionError when the target has no gradient, as far as is known. */
export function checkGradientGiven(kernel: string, { where, gradient = true }: KernelFit): void {
  if (gradient) return;
  throw new OptionError({
    where,
    option: 'kernel',
    value: kernel,
    found: `${kernel}() moves along gradients, and the target has none`,
    expected: 'a prior and a likelihood with gradients',
    fix: GRADIENT_FIX,
  });
}

/** @throws OptionError for a kernel that is none, or moves along gradients where there are none. */
export function checkKernelChoice(
  where: string,
  option: string,
  choice: KernelChoice,
  fix: string,
): KernelChoice {
  const known = (choice as Partial<KernelChoice> | null)?.kind === 'markov-kernel';
  if (known && choice.needs !== 'gradient') return choice;
  throw new OptionError({
    where,
    option,
    value: choice,
    found: known ? `${choice.name} moves along gradients` : `option \`${option}\` is ${show(choice)}`,
    expected: known ? 'a kernel that needs none' : 'a kernel such as pcn()',
    fix,
  });
}
