import { expect, test } from 'vitest';
import { repeatCommand, repeatCommandByName } from '../../cli/command-line.ts';
import { readNote, writeNote } from '../../cli/design-file.ts';
import { csvDocument, failureDocument, jsonDocument } from '../../cli/documents.ts';
import { inFlagWords, modelFailureText } from '../../cli/errors.ts';
import { progressLine } from '../../cli/progress.ts';
import { readSettings } from '../../cli/settings.ts';
import { modelFailure } from '../../engine/model/missing.ts';
import { ModelError, OptionError } from '../../estimators/index.ts';
import { indices, result } from './fixture.ts';

const names = ['<b>', 'a"b', '=1+1', 'n'.repeat(60), '流量', '🌊'];
const value = [0.1, 0.2, 0.3, 0.1234567890123456789, 0.05, Number.NaN];
const made = result([
  indices({ output: '-y', names, first: value, total: value, half: value.map(() => 0.01) }),
]);

test('jsonDocument(): every number to the last bit, NaN as null, names as they are', () => {
  const document = JSON.parse(jsonDocument(made));
  expect(Object.keys(document)).toEqual(
    expect.arrayContaining(['method', 'version', 'seed', 'backend', 'evaluations', 'indices', 'warnings']),
  );
  expect(document.indices.S1.names).toEqual(names);
  expect(document.indices.S1.value).toEqual([...value.slice(0, 5), null]);
  expect(document.indices.S2).toBeUndefined();
  expect(jsonDocument(made)).not.toMatch(/NaN|Infinity/);
});

test('csvDocument(): one row an index, names that look like formulas get an apostrophe, numbers do not', () => {
  const lines = csvDocument(made).trim().split('\n');
  expect(lines[0]).toBe('output,index,input,value,standardError,low,high,level');
  expect(lines).toHaveLength(13);
  expect(lines[1]).toMatch(/^'-y,S1,<b>,0\.1,0\.0042\d+,0\.09\d*,0\.11,0\.95$/);
  expect(lines[2]).toMatch(/^'-y,S1,"a""b",/);
  expect(lines[3]).toMatch(/^'-y,S1,'=1\+1,/);
  expect(lines[6]).toMatch(/^'-y,S1,🌊,,/);
  const negative = result([indices({ names: ['a'], first: [-0.002], total: [0.1], half: [0.001] })]);
  expect(csvDocument(negative)).toContain(',a,-0.002,');
});

test('failureDocument(): point, inputs and reason', () => {
  const failures = [{ index: 71, input: Float64Array.of(0.5, -1), reason: 'threw Error: "a", b' }];
  expect(failureDocument(failures, ['E', '=X'])).toBe(
    'point,E,\'=X,reason\n71,0.5,-1,"threw Error: ""a"", b"\n',
  );
});

test('modelFailureText(): how often, the first point, what to do', () => {
  const error = new ModelError({
    where: 'sobolIndices',
    found: 'the model returned NaN at 3 of 163840 points',
    expected: 'finite numbers',
    failures: [{ index: 71, input: Float64Array.of(2.9e7, 0.04, 512), reason: 'returned NaN' }],
  });
  expect(modelFailureText(error, 'beam.ts', ['E', 'X', 'Y'], undefined).split('\n')).toEqual([
    'beam.ts: the model returned NaN at 3 of 163 840 points; expected finite numbers.',
    'First: point 71, E = 29000000, X = 0.04, Y = 512.  (the list: --csv FILE)',
    'Fix the model there, or leave those rows out with --missing drop-row.',
  ]);
});

test('modelFailureText(): advice fits a model that fails everywhere, and what is expected is said once', () => {
  const advice = (reason: string, counts: string): string => {
    const failures = [{ index: 0, input: Float64Array.of(1), reason }];
    const found = `the model ${reason} at ${counts} points`;
    const error = new ModelError({ where: 'sobolIndices', found, expected: 'finite numbers', failures });
    return modelFailureText(error, 'a.ts', ['x'], undefined);
  };
  expect(advice('returned undefined', '64 of 64')).toMatch(/\nDoes the function end in return\?$/);
  expect(advice('returned undefined', '3 of 64')).toMatch(/--missing drop-row\.$/);
  expect(advice('returned an object', '64 of 64')).toMatch(/an array with one number for each output\.$/);
  expect(advice('returned NaN', '64 of 64')).not.toContain('drop-row');
  expect(advice('returned 3 numbers, expected 2', '1 of 64').split('\n')[0]).toBe(
    'a.ts: the model returned 3 numbers, expected 2 at 1 of 64 points.',
  );
});

test('modelFailureText(): of a server that gave no numbers it says what was expected of the server', () => {
  const lines = (reason: string, failed: number): readonly string[] => {
    const failures = [{ index: 3, input: Float64Array.of(0.5), reason }];
    const error = modelFailure('sobolIndices', ['x'], failures, failed, 64);
    return inFlagWords(modelFailureText(error, '127.0.0.1:4242', ['x'], undefined)).split('\n');
  };
  expect(lines('took longer than the timeout of 60 ms', 5)).toEqual([
    '127.0.0.1:4242: the model took longer than the timeout of 60 ms at 5 of 64 points; expected an answer in that time.',
    'First: point 3, x = 0.5.  (the list: --csv FILE)',
    'Is that server at work? Give it more time with a larger --timeout, or `timeout` of umBridge in a module, or leave those rows out with --missing drop-row.',
  ]);
  expect(lines('answered with what is no JSON object: <html>busy</html>', 64)).toEqual([
    '127.0.0.1:4242: the model answered with what is no JSON object: <html>busy</html> at 64 of 64 points; expected JSON from a UM-Bridge 1.0 server.',
    'First: point 3, x = 0.5.  (the list: --csv FILE)',
    'See whether such a server, and nothing else, runs at that address.',
  ]);
  expect(lines('returned NaN', 5)[2]).toBe(
    'Fix the model there, or leave those rows out with --missing drop-row.',
  );
});

test('inFlagWords(): options of the functions become flags', () => {
  expect(inFlagWords("option `secondOrder` is set. Use estimator: 'azzini' or points: 1024.")).toBe(
    'option --second-order is set. Use --estimator azzini or --points 1024.',
  );
  expect(inFlagWords("Use missing: 'drop-row'.")).toBe('Use --missing drop-row.');
  expect(inFlagWords("expected design 'sobol' with two, or 'iid'.")).toBe(
    'expected --design sobol with two, or iid.',
  );
});

test('repeatCommand(): settings and the seed, without what says where results go, quoted for a shell', () => {
  const argv = [
    'sobol',
    'my models/flood.ts',
    '--report',
    'x.html',
    '--json',
    '-n',
    '64',
    '--csv=y.csv',
    '--seed',
    '3',
    '--groups',
    'a=b,c;d=e,f',
  ];
  expect(repeatCommand(argv, 3)).toBe(
    "ensample sobol 'my models/flood.ts' -n 64 --groups 'a=b,c;d=e,f' --seed 3",
  );
  // What a pilot chose is part of the command, unless it says it itself.
  expect(repeatCommand(['sobol', 'flood.ts'], 3, 40)).toBe('ensample sobol flood.ts --seed 3 --shards 40');
  expect(repeatCommand(['sobol', '--shards=8'], 3, 8)).toBe('ensample sobol --shards=8 --seed 3');
  expect(repeatCommandByName(argv, undefined)).toBe("ensample sobol flood.ts -n 64 --groups 'a=b,c;d=e,f'");
});

test('writeNote(), readNote(): a design file carries its settings', () => {
  const note = {
    seed: 7,
    points: 1024,
    replicates: 4,
    design: 'lhs',
    secondOrder: true,
    groups: 'a=b,c',
    estimator: 'owen',
  } as const;
  const line = writeNote(note);
  expect(line).toBe(
    '# ensample design: seed=7 points=1024 replicates=4 design=lhs second-order=yes estimator=owen groups=a%3Db%2Cc\n',
  );
  expect(readNote(['made by hand', line.slice(1).trim()])).toEqual({
    seed: '7',
    points: '1024',
    replicates: '4',
    design: 'lhs',
    secondOrder: true,
    estimator: 'owen',
    groups: 'a=b,c',
  });
  expect(readNote(['made by hand'])).toBeUndefined();
});

test('progressLine(): share, runs, rate, time left and the widest interval', () => {
  const stage = { done: 162_202, ran: 162_202, total: 294_912, widest: 0.0016 };
  expect(progressLine(stage, 0.085, 0.085, false, true)).toBe(
    '[#########.........]  55 %  162 202 runs  1.9 M/s  0.1 s left  widest +/- 0.002',
  );
  expect(progressLine({ ...stage, widest: Number.NaN }, 0.085, 0.085, true, false)).toBe(
    '55 %  162 202 runs  1.9 M/s  0.1 s left  widest ...',
  );
  expect(progressLine({ done: 100, ran: 0, total: undefined, widest: 0.12 }, 1, 1, true, true)).toBe(
    '100 runs  widest ± 0.2',
  );
});

test('readSettings(): defaults, groups, names and policies', () => {
  expect(readSettings('x', {})).toMatchObject({
    points: 16_384,
    seed: undefined,
    secondOrder: false,
    design: 'sobol',
  });
  expect(readSettings('x', { seed: '0' }).seed).toBe(0);
  expect(readSettings('x', { groups: 'soil=k1,k2; rain=r1' }).groups).toEqual({
    soil: ['k1', 'k2'],
    rain: ['r1'],
  });
  expect(readSettings('x', { missing: '1.5' }).missing).toBe(1.5);
  expect(readSettings('x', { outputs: 'a, b' }).outputs).toEqual(['a', 'b']);
  for (const bad of [
    { groups: 'soil' },
    { groups: 'a=b;a=c' },
    { outputs: 'a,,b' },
    { missing: 'drop' },
    { csv: '' },
    { until: '0' },
  ])
    expect(() => readSettings('x', bad), JSON.stringify(bad)).toThrow(OptionError);
});
