import { nearestName } from '../check.ts';
import { InputError, OptionError } from '../errors.ts';
import type { AnyWork, Plan } from './types.ts';

/** The works a worker knows, by name. Frozen: what came over a network can only choose from it. */
export interface WorkTable {
  readonly names: readonly string[];
  /** @throws InputError when the plan asks for a work that is not there. */
  find(plan: Pick<Plan<unknown>, 'work'>): AnyWork;
}

/** @throws OptionError for a name that is taken or not [a-z0-9-]. */
export function workTable(works: readonly AnyWork[]): WorkTable {
  const table: Record<string, AnyWork> = Object.create(null);
  for (const work of works) {
    const free = /^[a-z][a-z0-9-]{0,63}$/.test(work.name) && table[work.name] === undefined;
    if (!free) throw badName(work.name);
    table[work.name] = Object.freeze({ ...work });
  }
  Object.freeze(table);
  const names = Object.freeze(Object.keys(table));
  return {
    names,
    find({ work }) {
      if (typeof work === 'string' && Object.hasOwn(table, work)) return table[work]!;
      const near = nearestName(String(work), names);
      throw new InputError({
        where: 'cluster',
        file: 'plan',
        found: `the plan asks for work ${JSON.stringify(work)}`,
        expected: `one of ${names.join(', ')}`,
        ...(near === undefined ? {} : { fix: `Did you mean ${near}?` }),
      });
    },
  };
}

function badName(name: string): OptionError {
  const found = `work ${JSON.stringify(name)} cannot be registered`;
  const expected = 'a name of small letters, digits and dashes that is not taken';
  return new OptionError({ where: 'workTable', option: 'name', value: name, found, expected });
}
