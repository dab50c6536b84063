import { checkOneOf, checkOptionNames, show } from '../../../engine/check.ts';
import { type InputSpace, inputSpace } from '../../../engine/distribution/inputs.ts';
import { checkJointDensity } from '../../../engine/distribution/joint-parts.ts';
import {
  checkRatios,
  type LawFamily,
  lawFamily,
  type Member,
  memberOf,
} from '../../../engine/distribution/law-family.ts';
import { OptionError } from '../../../engine/errors.ts';
import { checkEvent } from '../../../engine/model/event.ts';
import type { Expectation, ExpectationsOptions, OtherLaw } from './types.ts';

/** One expectation, checked. */
export interface Wanted {
  readonly name: string;
  /** The law it is taken under; 0 is that of `inputs`. */
  readonly law: number;
  /** Its function; an absent name is the first output. */
  readonly of:
    | { readonly kind: 'output'; readonly output: string | undefined }
    | { readonly kind: 'event'; readonly event: NonNullable<Expectation['event']> }
    | { readonly kind: 'function'; readonly of: (outputs: Float64Array, inputs: Float64Array) => number };
}

/** The laws some expectation is taken under, that of `inputs` first, and their names: '' for the first. */
export interface Laws {
  readonly names: readonly string[];
  readonly members: readonly Member[];
  readonly family: LawFamily;
}

const EXPECTATION: readonly (keyof Expectation)[] = ['of', 'event', 'under'];
const OTHER_LAW: readonly (keyof OtherLaw)[] = ['inputs', 'dependence'];

/**
 * The laws by name, those of no expectation left out.
 * @param normals whether only ratios to the law of `inputs` are needed.
 * @throws OptionError for an input that `inputs` does not have, or a law without the density that is needed.
 */
export function checkLaws(
  where: string,
  base: InputSpace,
  options: ExpectationsOptions,
  normals: boolean,
): Laws {
  const { laws = {}, expectations } = options;
  checkRecord(where, 'laws', laws, '{ name: { inputs, dependence } }');
  const spaces = Object.entries(laws).map(
    ([name, law]) => [name, otherSpace(where, name, law, options)] as const,
  );
  const under = expectations === undefined ? undefined : Object.values(expectations).map((e) => e?.under);
  const used = spaces.filter(([name]) => under === undefined || under.includes(name));
  const members = [
    memberOf('inputs', base, base),
    ...used.map(([name, space]) => memberOf(`laws.${name}.inputs`, space, base)),
  ];
  if (normals) checkRatios(where, members);
  else for (const { option, space } of members) checkJointDensity(where, space, option);
  return { names: ['', ...used.map(([name]) => name)], members, family: lawFamily(members) };
}

/** What is named replaces what `inputs` and `dependence` say. */
function otherSpace(where: string, name: string, law: OtherLaw, options: ExpectationsOptions): InputSpace {
  const option = `laws.${name}`;
  checkOptionNames(`${where}: ${option}`, law, OTHER_LAW);
  const { inputs = {}, dependence = options.dependence } = law;
  checkRecord(where, `${option}.inputs`, inputs, '{ name: law }');
  const known = Object.keys(options.inputs);
  for (const input of Object.keys(inputs)) checkOneOf(where, `${option}.inputs`, input, known);
  const found = inputSpace(`${where}: ${option}`, { ...options.inputs, ...inputs }, dependence);
  if (Object.keys(law).length > 0) return found;
  throw new OptionError({
    where,
    option,
    value: law,
    found: `law \`${name}\` is the law of \`inputs\``,
    expected: '{ inputs: { name: law } }, { dependence } or both',
  });
}

/** @throws OptionError unless the value is a record. */
export function checkRecord(where: string, option: string, value: unknown, expected: string): void {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return;
  throw new OptionError({ where, option, value, found: `option \`${option}\` is ${show(value)}`, expected });
}

/**
 * The expectations in their order; undefined when they are the means of outputs whose names nobody has told yet.
 * @throws OptionError for an unknown output or law, an expectation of nothing, or none at all.
 */
export function checkWanted(
  where: string,
  options: ExpectationsOptions,
  lawNames: readonly string[],
): readonly Wanted[] | undefined {
  const { expectations, outputs } = options;
  if (expectations === undefined) return outputs === undefined ? undefined : meansWanted(outputs, lawNames);
  checkRecord(where, 'expectations', expectations, '{ name: { of, event, under } }');
  const named = Object.keys(options.laws ?? {});
  const wanted = Object.entries(expectations).map(([name, expectation]): Wanted => {
    const option = `expectations.${name}`;
    checkOptionNames(`${where}: ${option}`, expectation, EXPECTATION);
    const { under } = expectation;
    const law = under === undefined ? 0 : lawNames.indexOf(checkLawName(where, option, under, named));
    return { name, law, of: checkFunction(where, option, expectation, outputs) };
  });
  if (wanted.length > 0) return wanted;
  throw new OptionError({
    where,
    option: 'expectations',
    value: expectations,
    found: 'option `expectations` has no entries',
    expected: 'at least one',
  });
}

/** The mean of each output under each law: 'y', 'y under heavy'. */
export function meansWanted(outputs: readonly string[], lawNames: readonly string[]): readonly Wanted[] {
  return lawNames.flatMap((under, law) =>
    outputs.map(
      (output): Wanted => ({
        name: under === '' ? output : `${output} under ${under}`,
        law,
        of: { kind: 'output', output },
      }),
    ),
  );
}

function checkLawName(where: string, option: string, under: unknown, named: readonly string[]): string {
  if (named.length > 0) return checkOneOf(where, `${option}.under`, under, named);
  throw new OptionError({
    where,
    option: `${option}.under`,
    value: under,
    found: `option \`${option}.under\` is ${show(under)}, and there are no \`laws\``,
    expected: 'a name of `laws`, or nothing for the law of `inputs`',
  });
}

function checkFunction(
  where: string,
  option: string,
  { of, event }: Expectation,
  outputs: readonly string[] | undefined,
): Wanted['of'] {
  if (event !== undefined && of === undefined)
    return { kind: 'event', event: checkEvent(where, event, outputs, `${option}.event`) };
  if (event === undefined && typeof of === 'function') return { kind: 'function', of };
  if (event === undefined && (of === undefined || typeof of === 'string')) {
    const known =
      of === undefined || outputs === undefined ? of : checkOneOf(where, `${option}.of`, of, outputs);
    return { kind: 'output', output: known };
  }
  throw new OptionError({
    where,
    option,
    value: of,
    found:
      event === undefined
        ? `option \`${option}.of\` is ${show(of)}`
        : `\`${option}\` has \`of\` and \`event\``,
    expected:
      'of: the name of an output or a function of (outputs, inputs), or event: { above, below }, not both',
  });
}
