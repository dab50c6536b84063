import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fromSalib, InputError, parseSalib } from '../../estimators/index.ts';

interface Reference {
  readonly cases: readonly {
    readonly dist: string;
    readonly bounds: readonly number[];
    readonly u: readonly number[];
    readonly x: readonly number[];
  }[];
}
const reference: Reference = JSON.parse(
  readFileSync(new URL('../reference/salib-laws.json', import.meta.url), 'utf8'),
);

describe('fromSalib()', () => {
  test.each(reference.cases)('$dist $bounds has the quantiles that SALib has', ({ dist, bounds, u, x }) => {
    const { inputs } = fromSalib({ names: ['a'], bounds: [bounds], dists: [dist] });
    u.forEach((p, i) => {
      expect(Math.abs(inputs.a!.quantile(p) / x[i]! - 1)).toBeLessThan(1e-10);
    });
  });

  test('names keep their order, and the default law is uniform', () => {
    const { names, inputs, groups, outputs } = fromSalib({
      num_vars: 2,
      names: ['z', 'a'],
      bounds: [
        [0, 1],
        [2, 3],
      ],
    });
    expect([names, Object.keys(inputs), groups, outputs]).toEqual([
      ['z', 'a'],
      ['z', 'a'],
      undefined,
      undefined,
    ]);
    expect(inputs.a!.support).toEqual([2, 3]);
  });

  test('groups: inputs of one name together, an input that is its own group stays alone', () => {
    const problem = {
      names: ['a', 'b', 'c', 'd'],
      bounds: [
        [0, 1],
        [0, 1],
        [0, 1],
        [0, 1],
      ],
      groups: ['g', 'b', 'g', 'h'],
    };
    expect(fromSalib(problem).groups).toEqual({ g: ['a', 'c'], h: ['d'] });
    expect(fromSalib({ ...problem, groups: ['a', 'b', 'c', 'd'] }).groups).toBeUndefined();
    expect(fromSalib({ ...problem, groups: null }).groups).toBeUndefined();
  });

  test.each([
    [{ names: ['a'] }, '`bounds` is missing; expected a list of num_vars pairs [low, high].'],
    [{ bounds: [[0, 1]] }, '`names` is missing; expected a list of num_vars names.'],
    [{ names: [], bounds: [] }, '`names`'],
    [{ num_vars: 3, names: ['a'], bounds: [[0, 1]] }, '`num_vars` is 3; expected 1'],
    [{ names: ['a', 'b'], bounds: [[0, 1]] }, '`bounds` has 1 entries; expected 2'],
    [
      {
        names: ['a', 'a'],
        bounds: [
          [0, 1],
          [0, 1],
        ],
      },
      'the name a comes twice',
    ],
    [{ names: ['a'], bounds: [[0, 1]], dists: ['gauss'] }, 'the law of a is "gauss"; expected one of unif'],
    [{ names: ['a'], bounds: [[0, 1, 2]] }, 'a (unif) has 3 bounds; expected [low, high]'],
    [{ names: ['a'], bounds: [[1, 0]] }, 'input a (unif [1, 0]): uniform: `high` is 0'],
    [{ names: ['a'], bounds: [[0, 'x']] }, 'bounds.0.1'],
  ])('%j is told as InputError', (problem, message) => {
    expect(() => fromSalib(problem)).toThrow(InputError);
    expect(() => fromSalib(problem)).toThrow(message);
  });
});

describe('parseSalib()', () => {
  test('parameter files: blanks or commas, comments, groups, laws, a byte-order mark and CRLF', () => {
    const blanks = parseSalib(
      '\uFEFF# name low high group law\r\nx1 0 1 NA unif\r\n  x2\t1 2  g norm\r\nx3 1 2 g\r\n',
      'p.txt',
    );
    expect(blanks.names).toEqual(['x1', 'x2', 'x3']);
    expect(blanks.groups).toEqual({ g: ['x2', 'x3'] });
    expect(blanks.inputs.x2!.name).toBe('normal');
    expect(parseSalib('a, 0, 1\nb,2,3,NA,logunif\n', 'p.csv').inputs.b!.support).toEqual([2, 3]);
  });

  test.each([
    ['a 0 1\n\nb 0 one\n', 3, '"b 0 one"'],
    ['a 0\n', 1, '"a 0"'],
    ['a 0 1\nb 0 1 norm\n', 2, 'the fourth column is norm, a law'],
    ['a 0 1\n# note\na 2 3\n', 3, 'the name a comes twice'],
    ['a 0 1\nb 3 2\n', 2, 'uniform: `high` is 2'],
    ['# nothing\n', undefined, 'no parameter'],
    ['{\n "names": ["a"]\n "bounds": []}', 3, 'the JSON cannot be read'],
    [
      '{\n "names": ["a",\n "b"], "bounds": [[0, 1], [0, 1]],\n "dists": ["unif", "x"]}',
      3,
      'the law of b is "x"',
    ],
  ])('%j points at its line', (text, line, message) => {
    const read = (): unknown => parseSalib(text, 'p');
    expect(read).toThrow(message);
    try {
      read();
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      expect((error as InputError).line).toBe(line);
      expect((error as InputError).message.startsWith(line === undefined ? 'p: ' : `p, line ${line}: `)).toBe(
        true,
      );
    }
  });
});
