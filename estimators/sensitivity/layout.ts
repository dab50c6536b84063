import type { InputSpace } from '../../engine/distribution/inputs.ts';
import { OptionError } from '../../engine/errors.ts';
import { blocksOf, type InputColumns } from '../../engine/math/sobol-estimators.ts';
import { type Groups, setColumns } from './groups.ts';
import type { DesignOptions, EstimatorName } from './types.ts';

/** A matrix of the design: `base` with `columns` taken from another one. */
export interface Block {
  readonly base: 'A' | 'B' | 'C';
  readonly from: 'A' | 'B' | 'C';
  readonly columns: readonly number[];
}

/** A set of inputs whose closed and total index is wanted. */
export interface ClosedSet {
  readonly name: string;
  /** Position of AB^u in a row of the design. */
  readonly ab: number;
}

export interface SupersetPair {
  readonly pair: readonly [number, number];
  readonly ab: number;
}

/**
 * What stands where in the rows of one base point: A, then blocks in the order of their groups (AB^1.., BA^1..,
 * further sets), B last. SALib's order (section 2 of the method notes), so that files can be exchanged.
 */
export interface Layout {
  /** Rows (model runs) a base point costs; also the number of output columns. */
  readonly rows: number;
  /** Row 0 is A, row rows - 1 is B; block k is row k + 1. */
  readonly blocks: readonly Block[];
  /** 2, or 3 with Owen's third matrix C. */
  readonly matrices: number;
  readonly inputs: readonly InputColumns[];
  readonly pairs: readonly (readonly [number, number])[];
  readonly closed: readonly ClosedSet[];
  readonly superset: readonly SupersetPair[];
}

/** @throws OptionError for sets or pairs that cannot be used. */
export function layOut(
  where: string,
  space: InputSpace,
  groups: Groups,
  estimator: EstimatorName,
  pairs: boolean,
  options: DesignOptions,
): Layout {
  const blocks: Block[] = [];
  const rowOf = new Map<string, number>();
  const add = (base: Block['base'], from: Block['from'], columns: readonly number[]): number => {
    const key = `${base}${from} ${columns.join(' ')}`;
    const row = rowOf.get(key) ?? blocks.length + 1;
    if (row > blocks.length) blocks.push({ base, from, columns });
    rowOf.set(key, row);
    return row;
  };
  const kinds = new Set(blocksOf(estimator));
  if (pairs) kinds.add('ba');
  const each = (kind: 'ab' | 'ba' | 'ac' | 'cb', base: Block['base'], from: Block['from']): number[] => {
    return kinds.has(kind) ? groups.columns.map((columns) => add(base, from, columns)) : [];
  };
  const ab = each('ab', 'A', 'B');
  const ac = each('ac', 'A', 'C');
  const ba = each('ba', 'B', 'A');
  const cb = each('cb', 'C', 'B');
  const closed = (options.closed ?? []).map((set): ClosedSet => {
    const columns = setColumns(where, 'closed', space, groups, set);
    return { name: set.join('+'), ab: add('A', 'B', columns) };
  });
  const superset = supersetPairs(where, groups, options.superset).map((pair): SupersetPair => {
    const columns = pair.flatMap((g) => groups.columns[g]!).sort((i, j) => i - j);
    return { pair, ab: add('A', 'B', columns) };
  });
  const b = blocks.length + 1;
  const inputs = groups.names.map((_, g) => ({ a: 0, b, ab: ab[g], ba: ba[g], ac: ac[g], cb: cb[g] }));
  const wanted = options.secondOrder === true ? allPairs(groups.names.length) : [];
  return { rows: b + 1, blocks, matrices: kinds.has('ac') ? 3 : 2, inputs, pairs: wanted, closed, superset };
}

function allPairs(count: number): readonly (readonly [number, number])[] {
  const pairs: (readonly [number, number])[] = [];
  for (let j = 0; j < count; j++) for (let k = j + 1; k < count; k++) pairs.push([j, k]);
  return pairs;
}

function supersetPairs(
  where: string,
  groups: Groups,
  wanted: DesignOptions['superset'],
): readonly (readonly [number, number])[] {
  if (wanted === undefined || wanted === false) return [];
  if (wanted === true) return allPairs(groups.names.length);
  return wanted.map((pair) => {
    const [j, k] = pair.map((name) => groups.names.indexOf(name)).sort((p, q) => p - q);
    if (pair.length === 2 && j !== undefined && k !== undefined && j >= 0 && j !== k) return [j, k] as const;
    throw new OptionError({
      where,
      option: 'superset',
      value: pair,
      found: `option \`superset\` has the pair [${pair.join(', ')}]`,
      expected: `two different ones of ${groups.names.join(', ')}`,
    });
  });
}
