import { nearestName, show } from '../../engine/check.ts';
import type { InputSpace } from '../../engine/distribution/inputs.ts';
import { OptionError } from '../../engine/errors.ts';

/** Inputs that are changed together. Inputs in no named group are groups of their own. */
export interface Groups {
  readonly names: readonly string[];
  /** Columns of each group, ascending. */
  readonly columns: readonly (readonly number[])[];
}

/**
 * Partition the inputs, in order of each group's first column.
 * @throws OptionError for unknown, repeated or empty entries, dependence across groups, or fewer than two groups.
 */
export function checkGroups(
  where: string,
  space: InputSpace,
  groups: Readonly<Record<string, readonly string[]>> | undefined,
): Groups {
  const owner = new Map<number, string>();
  for (const [name, members] of Object.entries(groups ?? {})) {
    if (!Array.isArray(members) || members.length === 0) throw badGroup(where, name, members);
    for (const member of members) {
      const column = inputColumn(where, `groups.${name}`, space, member);
      const other = owner.get(column);
      if (other !== undefined) throw twice(where, member, other, name);
      owner.set(column, name);
    }
    const same = space.names.indexOf(name);
    if (same >= 0 && owner.get(same) !== name) throw nameTaken(where, name);
  }
  const found = new Map<string, number[]>();
  space.names.forEach((input, column) => {
    const name = owner.get(column) ?? input;
    const columns = found.get(name);
    if (columns === undefined) found.set(name, [column]);
    else columns.push(column);
  });
  const result = { names: [...found.keys()], columns: [...found.values()] };
  if (result.names.length < 2) throw tooFew(where, result);
  checkDependence(where, space, result);
  return result;
}

/**
 * Columns of a set of inputs or groups, ascending.
 * @throws OptionError for unknown or repeated names, an empty set, or a set that cuts through dependent inputs.
 */
export function setColumns(
  where: string,
  option: string,
  space: InputSpace,
  groups: Groups,
  set: readonly string[],
): readonly number[] {
  const columns = new Set<number>();
  for (const name of set) {
    const group = groups.names.indexOf(name);
    const members =
      group >= 0 ? groups.columns[group]! : [inputColumn(where, option, space, name, groups.names)];
    for (const column of members) columns.add(column);
  }
  if (columns.size === 0) {
    throw new OptionError({
      where,
      option,
      value: set,
      found: `option \`${option}\` has an empty set`,
      expected: 'at least one input in each set',
    });
  }
  const cut = firstLink(
    space,
    [...columns],
    space.names.map((_, c) => c).filter((c) => !columns.has(c)),
  );
  if (cut !== undefined) throw dependentSet(where, option, space, cut);
  return [...columns].sort((i, j) => i - j);
}

function inputColumn(
  where: string,
  option: string,
  space: InputSpace,
  name: unknown,
  also: readonly string[] = [],
): number {
  const column = space.names.indexOf(name as string);
  if (column >= 0) return column;
  const near = typeof name === 'string' ? nearestName(name, [...also, ...space.names]) : undefined;
  throw new OptionError({
    where,
    option,
    value: name,
    found: `option \`${option}\` names ${show(name)}`,
    expected: also.length > 0 ? 'names of inputs or groups' : 'names of inputs',
    ...(near === undefined ? {} : { fix: `Did you mean ${near}?` }),
  });
}

/** A pair of dependent columns, one on each side. */
function firstLink(
  space: InputSpace,
  left: readonly number[],
  right: readonly number[],
): readonly [number, number] | undefined {
  if (space.dependence === undefined) return undefined;
  for (const i of left) {
    for (const j of right) if (space.dependence.linked(i, j)) return [i, j];
  }
  return undefined;
}

function checkDependence(where: string, space: InputSpace, groups: Groups): void {
  if (space.dependence === undefined) return;
  for (let g = 0; g < groups.names.length; g++) {
    const rest = groups.columns.slice(g + 1).flat();
    const link = firstLink(space, groups.columns[g]!, rest);
    if (link === undefined) continue;
    const [i, j] = link;
    throw new OptionError({
      where,
      option: 'dependence',
      value: [space.names[i], space.names[j]],
      found: `inputs \`${space.names[i]}\` and \`${space.names[j]}\` depend on each other and are in different groups`,
      expected: 'groups that are independent of each other',
      fix: `Put both in one group: groups: { both: ['${space.names[i]}', '${space.names[j]}'] }.`,
    });
  }
}

function dependentSet(
  where: string,
  option: string,
  space: InputSpace,
  [i, j]: readonly [number, number],
): OptionError {
  return new OptionError({
    where,
    option,
    value: [space.names[i], space.names[j]],
    found: `option \`${option}\` has \`${space.names[i]}\` but not \`${space.names[j]}\`, which depends on it`,
    expected: 'sets that hold dependent inputs together',
  });
}

function tooFew(where: string, groups: Groups): OptionError {
  const name = groups.names[0]!;
  const inputs = groups.columns[0]!.length;
  return new OptionError({
    where,
    option: inputs === 1 ? 'inputs' : 'groups',
    value: groups.names,
    found: inputs === 1 ? `\`${name}\` is the only input` : `\`${name}\` is the only group`,
    expected: 'at least two to compare; one alone explains all of the variance (S1 = ST = 1)',
    fix:
      inputs === 1
        ? 'For the mean and variance of the output use monteCarlo.'
        : 'Leave an input out of the group.',
  });
}

function badGroup(where: string, name: string, members: unknown): OptionError {
  return new OptionError({
    where,
    option: `groups.${name}`,
    value: members,
    found: `group \`${name}\` is ${Array.isArray(members) ? 'empty' : show(members)}`,
    expected: 'a list of input names',
  });
}

function twice(where: string, input: string, first: string, second: string): OptionError {
  return new OptionError({
    where,
    option: `groups.${second}`,
    value: input,
    found:
      first === second
        ? `input \`${input}\` is twice in \`${first}\``
        : `input \`${input}\` is in \`${first}\` and in \`${second}\``,
    expected: 'each input in one group, once',
  });
}

function nameTaken(where: string, name: string): OptionError {
  return new OptionError({
    where,
    option: `groups.${name}`,
    value: name,
    found: `group \`${name}\` has the name of an input that is not in it`,
    expected: 'another name',
  });
}
