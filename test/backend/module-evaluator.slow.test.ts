import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { threadId } from 'node:worker_threads';
import { afterAll, expect, test } from 'vitest';
import type { Backend, ModuleTask } from '../../engine/backend/backend.ts';
import { hostBackend } from '../../engine/backend/host.ts';
import { BackendError, ModelError } from '../../engine/errors.ts';
import type { RowFailure } from '../../engine/pool/evaluate-rows.mjs';

const folder = mkdtempSync(join(tmpdir(), 'ensample-models-'));
const one = await hostBackend({ threads: 1 });
const three = await hostBackend({ threads: 3 });
afterAll(async () => {
  await Promise.all([one.dispose(), three.dispose()]);
  rmSync(folder, { recursive: true });
});

let files = 0;
function write(text: string, extension = 'mjs'): string {
  const file = join(folder, `model-${files++}.${extension}`);
  writeFileSync(file, text);
  return pathToFileURL(file).href;
}

interface Answer {
  readonly y: readonly number[];
  readonly failures: readonly RowFailure[];
}

/** Evaluate rows a = 0, 1, ..., b = 10 a. */
async function evaluate(
  backend: Backend,
  task: Partial<ModuleTask> & { readonly url: string },
  n = 40,
  signal = new AbortController().signal,
): Promise<Answer> {
  const arena = backend.arena();
  const full: ModuleTask = { exportName: 'default', names: ['a', 'b'], outputs: 1, ...task };
  const x = arena.f64(2 * n).map((_, i) => (i % 2 === 0 ? i / 2 : 5 * (i - 1)));
  const points = arena.f64(2 * n);
  points.set(x);
  const out = arena.f64(n * full.outputs);
  try {
    const failures = await backend.evaluateModule!(full, points, n, out, signal);
    return { y: [...out], failures };
  } finally {
    arena.release();
  }
}

const row = Array.from({ length: 40 }, (_, i) => i);

test('evaluateModule(): named, pointwise, batch and TypeScript models give each row its value, on 1 and 3 workers', async () => {
  const urls = [
    write('export default ({ a, b }) => a + b;'),
    write('export default async ({ a, b }) => a + b;'),
    write("export default { kind: 'pointwise', evaluate: (p) => p[0] + p[1] };"),
    write(
      'export default (x, out) => { for (let i = 0; i < out.length; i++) out[i] = x[2 * i] + x[2 * i + 1]; };',
    ),
    write('export default ({ a, b }: { a: number; b: number }): number => a + b;', 'ts'),
    'data:text/javascript,export default ({ a, b }) => a + b',
  ];
  for (const url of urls) {
    for (const backend of [one, three]) {
      expect(await evaluate(backend, { url }), url).toEqual({ y: row.map((a) => 11 * a), failures: [] });
    }
  }
});

test('evaluateModule(): a model in a folder without node_modules may import from ensample', async () => {
  // By the built package: transpiling its source in a worker, as the examples have it done, takes ten seconds.
  const entry = new URL('../../dist/engine/index.js', import.meta.url).href;
  const built = (await import(entry)) as { readonly hostBackend: typeof hostBackend };
  const backend = await built.hostBackend({ threads: 1 });
  const url = write("import { named } from 'ensample';\nexport default named(({ a, b }) => a + b);", 'js');
  expect((await evaluate(backend, { url })).y).toEqual(row.map((a) => 11 * a));
  await backend.dispose();
});

test('evaluateModule(): all workers share the rows, and none of them is this thread', async () => {
  const url = write(
    "import { threadId } from 'node:worker_threads';\nexport default () => new Promise((go) => setTimeout(go, 10, threadId));",
  );
  await evaluate(three, { url });
  const { y } = await evaluate(three, { url });
  expect(new Set(y).size).toBe(3);
  expect(y).not.toContain(threadId);
});

test('evaluateModule(): several outputs, another export, and fewer rows than workers', async () => {
  const url = write('export const pair = ({ a, b }) => [a, b];');
  const answer = await evaluate(three, { url, exportName: 'pair', outputs: 2 }, 2);
  expect(answer).toEqual({ y: [0, 0, 1, 10], failures: [] });
  expect(await evaluate(three, { url, exportName: 'pair' }, 0)).toEqual({ y: [], failures: [] });
});

test('evaluateModule(): failures of single rows are listed in order and NaN, the same for 1 and 3 workers', async () => {
  const url = write(`export default ({ a }) => {
    if (a === 3) throw new Error('three');
    if (a === 17) return NaN;
    if (a === 18) return Promise.reject(new TypeError('eighteen'));
    if (a === 31) return [a, a, a];
    if (a === 39) return undefined;
    return a;
  };`);
  const alone = await evaluate(one, { url });
  expect(alone.failures).toEqual([
    { row: 3, reason: 'threw Error: three' },
    { row: 17, reason: 'returned NaN' },
    { row: 18, reason: 'threw TypeError: eighteen' },
    { row: 31, reason: 'returned 3 numbers, expected 1' },
    { row: 39, reason: 'returned undefined' },
  ]);
  expect(row.filter((a) => Number.isNaN(alone.y[a]))).toEqual([3, 17, 18, 31, 39]);
  expect(await evaluate(three, { url })).toEqual(alone);
});

test('evaluateModule(): a module that does not load, or has no such model, is a ModelError', async () => {
  const throwing = write("throw new RangeError('no table');");
  await expect(evaluate(three, { url: throwing })).rejects.toThrow(
    /model-\d+.mjs: the module cannot be loaded \(RangeError: no table\)/,
  );
  const other = write('export const inputs = {}; export const model = 3;');
  await expect(evaluate(three, { url: other })).rejects.toThrow(
    /no model as export `default` \(it exports inputs, model\)/,
  );
  await expect(evaluate(three, { url: other, exportName: 'model' })).rejects.toThrow(ModelError);
});

test('evaluateModule(): a model that ends its worker is a ModelError, and the next model gets a new worker', async () => {
  const exits = write('export default ({ a }) => { if (a === 7) process.exit(5); return a; };');
  const call = evaluate(three, { url: exits });
  await expect(call).rejects.toThrow(/the model ended its worker \(exit code 5\) while at a = 7, b = 70;/);
  await expect(call).rejects.toThrow(ModelError);
  const later = write(
    'export default ({ a }) => { setTimeout(() => { throw new Error("late"); }); return new Promise(() => {}); };',
  );
  await expect(evaluate(three, { url: later })).rejects.toThrow(/the model ended its worker \(late\)/);
  const batch = write(
    'export default { kind: "batch", evaluate: (x) => { if (x.includes(7)) process.exit(6); } };',
  );
  await expect(evaluate(one, { url: batch })).rejects.toThrow(
    /\(exit code 6\) in a batch of 3 points, the first at a = 6, b = 60;/,
  );
  const atImport = write('process.exit(4);');
  await expect(evaluate(one, { url: atImport })).rejects.toThrow(/\(exit code 4\);/);
  const fine = write('export default ({ a }) => a;');
  expect((await evaluate(three, { url: fine })).y).toEqual(row);
  expect((await evaluate(one, { url: fine })).y).toEqual(row);
});

test('evaluateModule(): an abort ends busy workers within a second, and the pool goes on', async () => {
  const endless = write('export default ({ a }) => { while (a > 30); return a; };');
  const stop = new AbortController();
  const reason = new Error('enough');
  const call = evaluate(three, { url: endless }, 40, stop.signal);
  setTimeout(() => stop.abort(reason), 300);
  const start = performance.now();
  await expect(call).rejects.toBe(reason);
  expect(performance.now() - start).toBeLessThan(1300);
  await expect(evaluate(three, { url: endless }, 40, stop.signal)).rejects.toBe(reason);
  expect((await evaluate(three, { url: endless }, 20)).y).toEqual(row.slice(0, 20));
});

test('evaluateModule(): aborting one run leaves another on the same backend alone', async () => {
  const endless = write('export default ({ a }) => { while (true); };');
  const fine = write('export default ({ a }) => a;');
  const stop = new AbortController();
  const doomed = evaluate(three, { url: endless }, 40, stop.signal);
  const other = evaluate(three, { url: fine });
  setTimeout(() => stop.abort(), 200);
  await expect(doomed).rejects.toThrow();
  expect((await other).y).toEqual(row);
});

test('evaluateModule(): arrays from elsewhere are refused by name', async () => {
  const url = write('export default ({ a }) => a;');
  const task: ModuleTask = { url, exportName: 'default', names: ['a'], outputs: 1 };
  const { signal } = new AbortController();
  const inside = one.arena().f64(4);
  await expect(one.evaluateModule!(task, new Float64Array(4), 4, inside, signal)).rejects.toThrow(
    /`x` is an array/,
  );
  await expect(one.evaluateModule!(task, inside, 4, new Float64Array(4), signal)).rejects.toThrow(
    BackendError,
  );
});
