import { checkOneOf, checkOptionNames, show } from '../../../engine/check.ts';
import {
  type InputSpace,
  type Inputs,
  inputDigest,
  inputSpace,
} from '../../../engine/distribution/inputs.ts';
import { OptionError } from '../../../engine/errors.ts';
import { checkOutputs } from '../../../engine/model/evaluator.ts';
import { kernelDigest } from '../../../engine/model/local.ts';
import { checkMissing } from '../../../engine/model/missing.ts';
import type { ModelLike } from '../../../engine/model/model.ts';
import type { BatchFn } from '../../../engine/types.ts';
import type { ExpectationsOptions } from '../expectations/types.ts';
import { sobolForm } from './sobol-form.ts';
import type { ImportanceSobolOptions } from './sobol-types.ts';

export const WHERE = 'importanceSobol';

/** Inputs that are treated together. */
export interface Group {
  readonly name: string;
  /** [d] 1 where an input belongs to it. */
  readonly members: Uint8Array;
}

/** Checked options. */
export interface Plan {
  readonly model: ModelLike;
  readonly space: InputSpace;
  readonly groups: readonly Group[];
  readonly outputs: readonly string[] | undefined;
  readonly output: string | undefined;
  readonly points: number;
  readonly missing: 'error' | number;
  readonly fingerprint: string;
  readonly kernel: string | undefined;
  /** Options of the expectations behind the indices, for a model of rows (x, x'). */
  inner(evaluate: BatchFn): ExpectationsOptions;
}

const PASSED = [
  'points',
  'stages',
  'proposal',
  'floor',
  'defensive',
  'controls',
  'design',
  'replicates',
  'allocation',
  'keep',
  'preset',
  'level',
] as const;
const OWN = ['model', 'inputs', 'groups', 'outputs', 'output', 'form', 'optimize', 'missing'];

/** @throws OptionError for the first option that cannot be used. */
export function checkPlan(options: ImportanceSobolOptions): Plan {
  checkOptionNames(WHERE, options, [...OWN, ...PASSED]);
  const space = inputSpace(WHERE, options.inputs);
  const groups = checkGroups(space, options.groups);
  checkOutputs(WHERE, options.outputs);
  const { outputs, output } = options;
  if (outputs !== undefined && output !== undefined) checkOneOf(WHERE, 'output', output, outputs);
  const form = checkOneOf(WHERE, 'form', options.form ?? 'difference', ['difference', 'product']);
  const optimize = checkOneOf(WHERE, 'optimize', options.optimize ?? 'indices', ['indices', 'expectations']);
  const missing = checkMissing(WHERE, options.missing ?? 'error');
  if (missing === 'drop-row') throw dropRow();
  const wanted = sobolForm(
    form,
    groups.map(({ name }) => name),
  );
  const passed: Partial<ExpectationsOptions> = Object.fromEntries(
    PASSED.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  );
  return {
    model: options.model,
    space,
    groups,
    outputs,
    output,
    points: options.points ?? 16_384,
    missing,
    fingerprint: JSON.stringify([WHERE, inputDigest(space), groups, output, form, optimize, missing]),
    kernel: kernelDigest(options.model),
    inner: (evaluate) => ({
      weights: 'equal',
      space: 'normals',
      // Normal laws are no likeness of a difference, which is 0 where the density is largest: as controls they cost more than they give.
      ...(form === 'difference' && options.preset === undefined ? { controls: 'none' as const } : {}),
      ...passed,
      model: evaluate,
      inputs: doubled(options.inputs),
      outputs: ['x', "x'", ...groups.map(({ name }) => `with ${name}`)],
      ...wanted,
      optimize: optimize === 'indices' ? 'functionals' : 'expectations',
    }),
  };
}

/** The inputs and an independent copy of them. */
function doubled(inputs: Inputs): Inputs {
  const copy = Object.entries(inputs).map(([name, law]) => [`${name}'`, law] as const);
  return Object.fromEntries([...Object.entries(inputs), ...copy]);
}

function checkGroups(space: InputSpace, named: ImportanceSobolOptions['groups']): readonly Group[] {
  const owner = new Map<string, string>();
  for (const [group, members] of Object.entries(named ?? {})) {
    if (!Array.isArray(members) || members.length === 0) throw badGroup(group, members, 'at least one input');
    for (const input of members as readonly string[]) {
      checkOneOf(WHERE, `groups.${group}`, input, space.names);
      if (owner.has(input)) throw badGroup(group, input, 'inputs that are in no other group');
      owner.set(input, group);
    }
  }
  const names = [...new Set(space.names.map((input) => owner.get(input) ?? input))];
  const groups = names.map((name) => ({
    name,
    members: Uint8Array.from(space.names, (input) => ((owner.get(input) ?? input) === name ? 1 : 0)),
  }));
  if (groups.length >= 2) return groups;
  throw badGroup(
    names[0]!,
    named ?? space.names,
    'at least two groups or inputs: the index of all inputs is 1',
  );
}

function badGroup(group: string, value: unknown, expected: string): OptionError {
  return new OptionError({
    where: WHERE,
    option: `groups.${group}`,
    value,
    found: `group \`${group}\` is ${show(value)}`,
    expected,
  });
}

function dropRow(): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'missing',
    value: 'drop-row',
    found: "option `missing` is 'drop-row', which would leave out points that the weights count on",
    expected: "'error' or a finite number",
    fix: 'Give the number that the output stands for where the model fails.',
  });
}
