import { InputError } from '../estimators/index.ts';
import { count } from './format/number.ts';
import type { Problem } from './model-file.ts';
import type { NumberTable } from './number-table.ts';

/** Columns of each group, inputs without a group being groups of their own, in the order of their first column. */
export function groupsOf(problem: Problem, flag: Problem['groups']): readonly (readonly number[])[] {
  const names = Object.keys(problem.inputs);
  const groups = Object.values(flag ?? problem.groups ?? {});
  const taken = new Set<string>();
  const columns: number[][] = [];
  for (const name of names) {
    if (taken.has(name)) continue;
    const members = groups.find((group) => group.includes(name)) ?? [name];
    for (const member of members) taken.add(member);
    columns.push(members.map((member) => names.indexOf(member)).filter((c) => c >= 0));
  }
  return columns;
}

/** How a file in SALib's order is built. */
export interface SalibOrder {
  readonly points: number;
  readonly rowsPerPoint: number;
  readonly secondOrder: boolean;
}

/**
 * Checks that the rows stand in SALib's order: for each point A, A with each group in turn from B, for second order B
 * with each group from A, then B.
 *
 * @throws InputError with the line of the first row that does not fit.
 */
export function checkSalibOrder(
  x: NumberTable,
  groups: readonly (readonly number[])[],
  secondOrder: boolean,
): SalibOrder {
  const d = groups.length;
  const pairs = secondOrder || (x.rows % (d + 2) !== 0 && x.rows % (2 * d + 2) === 0);
  const rowsPerPoint = pairs ? 2 * d + 2 : d + 2;
  if (x.rows % rowsPerPoint !== 0 || x.rows === 0) {
    throw fault(
      x,
      x.rows - 1,
      `${count(x.rows)} rows`,
      `a multiple of ${rowsPerPoint}, the rows of one point`,
    );
  }
  for (let row = 0; row < x.rows; row += rowsPerPoint) checkPoint(x, groups, row, rowsPerPoint);
  return { points: x.rows / rowsPerPoint, rowsPerPoint, secondOrder: pairs };
}

function checkPoint(
  x: NumberTable,
  groups: readonly (readonly number[])[],
  row: number,
  rowsPerPoint: number,
): void {
  const d = groups.length;
  const last = row + rowsPerPoint - 1;
  const at = (r: number, c: number): number => x.values[r * x.columns + c]!;
  for (let j = 1; j < rowsPerPoint - 1; j++) {
    const swapped = groups[(j - 1) % d]!;
    const [base, other] = j <= d ? [row, last] : [last, row];
    for (let c = 0; c < x.columns; c++) {
      const from = swapped.includes(c) ? other : base;
      if (at(row + j, c) === at(from, c)) continue;
      throw fault(
        x,
        row + j,
        `column ${c + 1} is neither as in line ${x.line(base)} nor changed as the design asks`,
        `the value of line ${x.line(from)}`,
        'Give the file that `ensample sample` or SALib wrote, with its rows in order.',
      );
    }
  }
}

function fault(x: NumberTable, row: number, found: string, expected: string, fix?: string): InputError {
  const line = x.line(row);
  const where = `${x.file}, line ${line}`;
  return new InputError({
    where,
    file: x.file,
    line,
    found,
    expected,
    ...(fix === undefined ? {} : { fix }),
  });
}
