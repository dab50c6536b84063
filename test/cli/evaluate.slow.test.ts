import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { folderOf, runTogether } from './command.ts';

// The built command (npm test builds it).
const MODEL = `import { uniform } from 'ensample';
export const inputs = { a: uniform(0, 1), b: uniform(0, 1) };
export default ({ a, b }) => {
  if (a > 5) throw new Error('a is too large');
  return [a + 2 * b * b, a - b];
};
`;
const folder = folderOf({
  'model.mjs': MODEL,
  'points.csv': '# from elsewhere\nb,name,a\n0.5,1,0.25\n1,2,6\n0,3,0.125\n',
  'few.csv': 'a,c\n1,2\n',
});
afterAll(() => folder.remove());
const read = (name: string): string => readFileSync(join(folder.path, name), 'utf8');

// One process for all: a start costs more than what is tested.
const told = runTogether(folder.path, [
  'sample model.mjs -n 64 --seed 7 -o x.csv',
  'evaluate model.mjs -x x.csv -o y.csv --outputs y,z',
  'evaluate model.mjs -x x.csv -o cluster.csv --outputs y,z --cluster local --shards 3 --quiet',
  'analyze model.mjs -x x.csv -y y.csv --json --quiet',
  'sobol model.mjs -n 64 --seed 7 --outputs y,z --json --quiet',
  'evaluate model.mjs -x points.csv',
  'evaluate model.mjs',
  'evaluate model.mjs -x few.csv',
]);

test('sample, evaluate and analyze: the numbers of one command; a cluster writes the same file', async () => {
  const [, one, two, analysed, alone] = await told;
  expect(one).toEqual({ code: 0, out: '', err: 'Evaluated 256 points.\n' });
  expect(two).toEqual({ code: 0, out: '', err: '' });
  expect(read('cluster.csv')).toBe(read('y.csv'));
  expect(JSON.parse(analysed!.out).indices).toEqual(JSON.parse(alone!.out).indices);
});

test('evaluate: columns by their names, failed points told, what is missing refused', async () => {
  const [some, none, few] = (await told).slice(5);
  expect(some!.out).toBe('y1,y2\n0.75,-0.25\nNaN,NaN\n0.125,0.125\n');
  expect(some!.err.replace(/\s+/g, ' ')).toContain(
    'Warning: the model failed at 1 of 3 points, whose rows are NaN; first at points.csv, line 4: it threw Error: a is too large.',
  );
  expect(none!.code).toBe(2);
  expect(few!.err.replace(/\s+/g, ' ')).toContain(
    'there is no column b; expected the inputs of model.mjs: a, b',
  );
});
