import { existsSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { start } from './command.ts';
import { flat, stage } from './stage.ts';

// A command that is interrupted. One seed in this file: 7.

const { path, at, ensample, written, remove } = stage();
afterAll(remove);

test('Ctrl-C: said at once, the table of whole replicates, exit code 130; --resume goes on to the same numbers', async () => {
  const args = 'sobol slow.mjs -n 512 --seed 7 --resume slow.state --threads 2'.split(' ');
  const first = start(path, args);
  await first.said('model runs');
  await written('ready');
  const asked = performance.now();
  first.interrupt();
  await first.said('Stopping ... (Ctrl-C again quits at once)');
  expect(performance.now() - asked).toBeLessThan(1000);
  const { code, out, err } = await first.done;
  expect(code).toBe(130);
  expect(out).toMatch(/from \d scrambled replicates?, interrupted/);
  expect(err).toMatch(/Interrupted after \d of 8 replicates \(\d+ of 2048 runs\)\./);
  expect(existsSync(at('slow.state'))).toBe(true);
  const rest = await ensample('sobol slow.mjs -n 512 --resume slow.state --json');
  expect(rest.code).toBe(0);
  const whole = await ensample('sobol sum.mjs -n 512 --seed 7 --json');
  expect(JSON.parse(rest.out).indices).toEqual(JSON.parse(whole.out).indices);
});

test('Ctrl-C before the first whole replicate: a table of points with the reason why there are no intervals', async () => {
  // A replicate of 512 points takes ten seconds, the first chunk one.
  const early = start(path, 'sobol slower.mjs -n 4096 --seed 7 --threads 2 --json'.split(' '));
  await early.said('model runs');
  await written('begun');
  early.interrupt();
  const { code, out, err } = await early.done;
  expect([code, err]).toEqual([130, expect.stringContaining('Interrupted after 0 of 8 replicates (')]);
  expect(flat(err)).toContain('None of 8 replicates is complete');
  const { completeReplicates, indices } = JSON.parse(out);
  expect([completeReplicates, indices.ST.low]).toEqual([0, [null, null]]);
  for (const value of indices.ST.value) expect(value).toBeGreaterThan(0);
});

test('Ctrl-C before the first points: one sentence, exit code 130', async () => {
  const early = start(path, 'sobol slower.mjs -n 4096 --seed 7 --threads 1'.split(' '));
  await early.said('model runs');
  early.interrupt();
  const { code, out, err } = await early.done;
  expect([code, out]).toEqual([130, '']);
  expect(flat(err)).toContain('Interrupted before the first points were evaluated');
});

test('Ctrl-C while the model file loads is answered, with exit code 130', async () => {
  const loading = start(path, ['sobol', 'waits.mjs']);
  await loading.said('here');
  loading.interrupt();
  const { code, out, err } = await loading.done;
  expect([code, out, err]).toEqual([130, '', 'here\nStopping ... before any model run.\n']);
});

test('Ctrl-C twice ends at once', async () => {
  const run = start(path, 'sobol slower.mjs -n 4096 --seed 7'.split(' '));
  await run.said('model runs');
  run.interrupt();
  await run.said('Stopping');
  run.interrupt();
  const { code, out } = await run.done;
  expect([code, out]).toEqual([130, '']);
});
