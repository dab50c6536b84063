import { afterAll, expect, test } from 'vitest';
import type { Backend } from '../../engine/backend/backend.ts';
import { hostBackend } from '../../engine/backend/host.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { makeAllowance } from '../../engine/backend/sharing.ts';

const opened: Backend[] = [];
async function open(threads: number): Promise<Backend> {
  const backend = await hostBackend({ threads });
  opened.push(backend);
  return backend;
}
afterAll(() => Promise.all(opened.map((backend) => backend.dispose())));

const N = 20_000;

interface Task {
  readonly x: Float64Array;
  step(t: number): Promise<void>;
  /** Normals of step t as they must be. */
  expected(t: number): Float64Array;
}

/** Normals of one step after the other, of a key of its own. */
function normals(backend: Backend, key: number): Task {
  const x = backend.arena().f64(N);
  const args = (out: Float64Array, t: number): [Float64Array, ...number[]] => [out, 1, key, 0, 0, t, 0];
  type Args = [Float64Array, number, number, number, number, number, number];
  return {
    x,
    step: (t) => backend.dispatch('normal', args(x, t) as Args, N),
    expected(t) {
      const out = new Float64Array(N);
      void jsBackend().dispatch('normal', args(out, t) as Args, N);
      return out;
    },
  };
}

/** Have the workers look out for work. */
async function wake(backend: Backend): Promise<void> {
  const arena = backend.arena();
  const x = arena.f64(40_000);
  await backend.dispatch('normal', [x, 1, 7, 0, 0, 0, 0], x.length, 1000);
  arena.release();
}

/** Wait until the workers are there. */
async function warm(backend: Backend): Promise<void> {
  await wake(backend);
  await new Promise((resolve) => setTimeout(resolve, 150));
  await wake(backend);
}

function expectSame(found: Float64Array, expected: Float64Array): void {
  expect(Buffer.compare(Buffer.from(found.slice().buffer), Buffer.from(expected.buffer))).toBe(0);
}

function pass(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

test('dispatch(): no part of a kernel is lost or done twice, however long the pause before it', async () => {
  const backend = await open(3);
  await warm(backend);
  const task = normals(backend, 1);
  for (let t = 0; t < 100; t++) {
    // Workers look out for about 2 ms: around that they turn to their event loop just when a kernel comes.
    pass(t % 3 === 0 ? 0 : 1.8 + (t % 50) / 60);
    task.x.fill(Number.NaN);
    if (t % 3 === 0) await wake(backend);
    await task.step(t);
    expect(task.x.findIndex(Number.isNaN)).toBe(-1);
    if (t % 25 === 0) expectSame(task.x, task.expected(t));
  }
});

test('dispatch(): callers that take turns on one backend, and backends side by side, get their own numbers', async () => {
  const [a, b] = await Promise.all([open(2), open(2)]);
  await Promise.all([a, b].map(warm));
  const tasks = [a, a, b].map((backend, key) => normals(backend, key));
  const long = a.arena().f64(1_500_000);
  const background = a.dispatch('normal', [long, 1, 9, 0, 0, 0, 0], long.length);
  await Promise.all(
    tasks.map(async (task) => {
      for (let t = 0; t < 30; t++) {
        await task.step(t);
        if (t % 10 === 0) expectSame(task.x, task.expected(t));
      }
    }),
  );
  await background;
  expect(long.indexOf(0)).toBe(-1);
});

test('dispatch(): works on after dispose, between short kernels too', async () => {
  const backend = await open(2);
  await warm(backend);
  const task = normals(backend, 4);
  await task.step(1);
  const ended = backend.dispose();
  await task.step(2);
  expectSame(task.x, task.expected(2));
  await ended;
  await task.step(3);
  expectSame(task.x, task.expected(3));
});

test('makeAllowance(): long waits end the sharing until they are a small part of the time; short ones never do', () => {
  let now = 0;
  const mayWait = makeAllowance(() => now);
  for (let i = 0; i < 1000; i++) expect(mayWait(0.1)).toBe(true);
  let waited = 0;
  let refused = 0;
  while (now < 100_000) {
    now += 1;
    if (mayWait(0)) {
      now += 3;
      waited += 3;
      mayWait(3);
    } else refused++;
  }
  expect(refused).toBeGreaterThan(0);
  expect(waited / now).toBeLessThan(0.035);
  expect(waited / now).toBeGreaterThan(0.02);
});
