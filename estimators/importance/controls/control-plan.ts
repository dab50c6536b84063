import {
  checkFlag,
  checkNumber,
  checkOneOf,
  checkOptionNames,
  checkRecord,
  show,
} from '../../../engine/check.ts';
import type { InputSpace } from '../../../engine/distribution/inputs.ts';
import type { Law } from '../../../engine/distribution/law.ts';
import { OptionError } from '../../../engine/errors.ts';
import { checkPlan, type Plan } from '../plain/monte-carlo-plan.ts';
import type {
  Control,
  ControlVariatesOptions,
  PointValueOf,
  RatioOfMeans,
} from './control-variates-types.ts';
import { tooFew } from './controlled-mean.ts';

/** A control with its mean. */
export interface KnownControl {
  readonly name: string;
  readonly of: PointValueOf;
  readonly mean: number;
}

/** Checked options. */
export interface ControlPlan {
  readonly points: Plan;
  readonly controls: readonly KnownControl[];
  readonly ratios: readonly (readonly [name: string, ratio: RatioOfMeans])[];
  readonly crossFit: boolean;
}

const OPTIONS: Readonly<Record<keyof ControlVariatesOptions, true>> = {
  model: true,
  inputs: true,
  dependence: true,
  outputs: true,
  points: true,
  replicates: true,
  level: true,
  design: true,
  controls: true,
  ratios: true,
  crossFit: true,
  missing: true,
};
const DESIGNS = ['sobol', 'lattice', 'lhs', 'iid'] as const;

/** @throws OptionError for the first option that cannot be used. */
export function checkControlPlan(where: string, options: ControlVariatesOptions): ControlPlan {
  checkOptionNames(where, options, Object.keys(OPTIONS));
  const { controls: given, ratios = {}, crossFit = true, ...rest } = options;
  if (rest.design !== undefined) checkOneOf(where, 'design', rest.design, DESIGNS);
  checkFlag(where, 'crossFit', crossFit);
  if (given !== undefined) checkRecord(where, 'controls', given, '{ name: { of, mean } }');
  checkRecord(where, 'ratios', ratios, '{ name: { numerator, denominator } }');
  if ((rest.missing as unknown) === 'drop-row') {
    throw new OptionError({
      where,
      option: 'missing',
      value: rest.missing,
      found: "option `missing` is 'drop-row'",
      expected: "'error' or a number",
      fix: 'Without some points the known means of the controls no longer hold.',
    });
  }
  const points = checkPlan(where, rest);
  const { space, points: n } = points;
  const names = given === undefined ? usable(space) : Object.keys(given);
  const controls = names.map((name) => checkControl(where, space, name, given?.[name] ?? {}));
  if (n < controls.length + 3) throw tooFew(where, n, controls.length);
  const wanted = Object.entries(ratios);
  for (const [name, ratio] of wanted) checkRatio(where, name, ratio);
  const plan = { points, controls, ratios: wanted, crossFit };
  if (options.outputs !== undefined) checkNames(where, plan, options.outputs);
  return plan;
}

/** @throws OptionError when a control or a ratio names what is neither an input nor one of the outputs. */
export function checkNames(
  where: string,
  { points, controls, ratios }: ControlPlan,
  outputs: readonly string[],
): void {
  const known = [...points.space.names, ...outputs];
  for (const { name, of } of controls)
    if (typeof of === 'string') checkOneOf(where, `controls.${name}.of`, of, known);
  for (const [name, ratio] of ratios) {
    for (const part of ['numerator', 'denominator'] as const) {
      const of = ratio[part];
      if (typeof of !== 'string') continue;
      checkOneOf(where, `ratios.${name}.${part}`, of, known);
      if (known.indexOf(of) !== known.lastIndexOf(of)) throw ambiguous(where, `ratios.${name}.${part}`, of);
    }
  }
}

function ambiguous(where: string, option: string, name: string): OptionError {
  return new OptionError({
    where,
    option,
    value: name,
    found: `option \`${option}\` is "${name}", which is an input and an output`,
    expected: 'a name of one of them',
    fix: 'Give the outputs other names by `outputs`, or pass a function.',
  });
}

function usable({ names, laws }: InputSpace): readonly string[] {
  return names.filter((_, c) => hasMoments(laws[c]!));
}

function hasMoments({ mean, variance }: Law): boolean {
  return Number.isFinite(mean) && Number.isFinite(variance);
}

function checkControl(
  where: string,
  { names, laws }: InputSpace,
  name: string,
  control: Control,
): KnownControl {
  checkOptionNames(`${where}: controls.${name}`, control, ['of', 'mean']);
  const of = control.of ?? name;
  if (typeof of !== 'string' && typeof of !== 'function')
    throw wrong(where, `controls.${name}.of`, of, 'the name of an input or output, or a function');
  const law = typeof of === 'string' ? laws[names.indexOf(of)] : undefined;
  if (control.mean === undefined && law !== undefined && !hasMoments(law)) {
    throw new OptionError({
      where,
      option: `controls.${name}`,
      value: of,
      found: `the law of input \`${of as string}\` has mean ${law.mean} and variance ${law.variance}`,
      expected: 'a control with a mean and a variance',
      fix: 'Use a bounded function of it whose mean you know.',
    });
  }
  const expected = 'the known mean, a finite number';
  const mean = checkNumber(
    where,
    `controls.${name}.mean`,
    control.mean ?? law?.mean,
    Number.isFinite,
    expected,
  );
  return { name, of, mean };
}

function checkRatio(where: string, name: string, ratio: RatioOfMeans): void {
  checkOptionNames(`${where}: ratios.${name}`, ratio, ['numerator', 'denominator']);
  for (const part of ['numerator', 'denominator'] as const) {
    const of: unknown = ratio[part];
    if (typeof of !== 'string' && typeof of !== 'function')
      throw wrong(where, `ratios.${name}.${part}`, of, 'the name of an input or output, or a function');
  }
}

function wrong(where: string, option: string, value: unknown, expected: string): OptionError {
  return new OptionError({ where, option, value, found: `option \`${option}\` is ${show(value)}`, expected });
}
