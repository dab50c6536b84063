import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkRows, readNumbers } from '../../cli/number-table.ts';
import { checkSalibOrder, groupsOf } from '../../cli/salib-order.ts';
import { InputError, uniform } from '../../estimators/index.ts';
import { folderOf } from './command.ts';

const folder = folderOf({});
afterAll(folder.remove);
const read = (text: string, name = 'y.csv') => {
  writeFileSync(join(folder.path, name), text);
  return readNumbers('test', join(folder.path, name));
};

test.each([
  ['commas, header, CRLF, byte-order mark', '\uFEFFa,b\r\n1,2\r\n3,-4e-5\r\n'],
  ['blanks, no header', '  1.00000000e+00   2\n3 -4e-5'],
  ['semicolons and quotes', '"a";"b"\n"1";"2"\n3;-4e-5\n'],
  ['tabs, comments, empty lines', '# made by hand\n\n1\t2\n\n3\t-4e-5\n\n'],
])('readNumbers(): %s', (_, text) => {
  const table = read(text);
  expect([table.rows, table.columns, Array.from(table.values)]).toEqual([2, 2, [1, 2, 3, -4e-5]]);
  expect(table.header ?? ['a', 'b']).toEqual(['a', 'b']);
});

test('readNumbers(): words for missing results are NaN, and comments before the rows are kept', () => {
  const table = read('# first\n#second\ny\n1\nNaN\nNA\ninf\n2\n');
  expect(Array.from(table.values)).toEqual([1, Number.NaN, Number.NaN, Number.NaN, 2]);
  expect(table.comments).toEqual(['first', 'second']);
  expect(table.line(0)).toBe(4);
});

test.each([
  ['y\n1\n2x\n', 3, '"2x"; expected a number'],
  ['a,b\n1,2\n3\n', 3, '1 cells; expected 2, as in line 1'],
  ['a,b\n1,2\n3,\n', 3, 'an empty cell; expected a number'],
  ['a,b\n"1,2\n', undefined, 'expected comma-separated values'],
  ['y,z,y\n1,2,3\n', 1, 'line 1: columns 1 and 3 are both named "y"; expected different names'],
  ['y\n', 1, 'a header and no rows'],
  ['', undefined, 'no rows'],
])('readNumbers(): %j is told with its line', (text, line, message) => {
  expect(() => read(text)).toThrow(message);
  try {
    read(text);
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    if (line !== undefined) expect((error as InputError).line).toBe(line);
  }
});

test('checkRows(): too few points at the last line, too many at the first one over', () => {
  expect(() => checkRows(read('y\n1\n2\n'), 3, 'one a run')).toThrow(
    'y.csv, line 3: 2 rows, too few; expected 3, one a run.',
  );
  expect(() => checkRows(read('y\n1\n2\n3\n'), 1, 'one a run')).toThrow(
    'y.csv, line 3: 3 rows, too many; expected 1',
  );
});

test('checkSalibOrder(): both layouts are recognised, and a row out of place is told', () => {
  const problem = {
    file: 'p',
    inputs: { a: uniform(0, 1), b: uniform(0, 1), c: uniform(0, 1) },
    dependence: undefined,
    groups: undefined,
    outputs: undefined,
    texts: {},
    series: undefined,
  };
  const groups = groupsOf(problem, undefined);
  expect(groups).toEqual([[0], [1], [2]]);
  expect(groupsOf(problem, { g: ['c', 'a'] })).toEqual([[2, 0], [1]]);
  const first = '1 2 3\n4 2 3\n1 5 3\n1 2 6\n4 5 6\n';
  const second = '1 2 3\n4 2 3\n1 5 3\n1 2 6\n1 5 6\n4 2 6\n4 5 3\n4 5 6\n';
  expect(checkSalibOrder(read(first), groups, false)).toEqual({
    points: 1,
    rowsPerPoint: 5,
    secondOrder: false,
  });
  expect(checkSalibOrder(read(second), groups, false)).toEqual({
    points: 1,
    rowsPerPoint: 8,
    secondOrder: true,
  });
  expect(() => checkSalibOrder(read(first.replace('1 5 3', '1 2 3')), groups, false)).toThrow(
    'y.csv, line 3: column 2',
  );
  expect(() => checkSalibOrder(read(`${first}1 2 3\n`), groups, false)).toThrow('a multiple of 5');
});
