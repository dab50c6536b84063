import { afterAll, expect, test } from 'vitest';
import { type KernelRequest, makePool, type RowsRequest, WorkerDeath } from '../../engine/pool/pool.ts';
import { compileKernels, RESERVED_BYTES, rawKernels } from '../../engine/wasm/loader.ts';

const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
const module = compileKernels(true);
const names = Object.keys(rawKernels(module, memory));
const pool = makePool(2, { module, memory });
afterAll(() => pool.dispose());

const values = new Float64Array(memory.buffer, RESERVED_BYTES, 8);
const counter = new Uint32Array(memory.buffer, RESERVED_BYTES + 1024, 1);

/** Normals into values[0..count-1]. */
function normals(count: number, kernel = 'normal'): KernelRequest {
  counter[0] = 0;
  const args = [RESERVED_BYTES, 1, 7, 0, 0, 0, 0];
  const call = { kernel: names.indexOf(kernel), args, each: 1, items: count };
  return { calls: [call], count, piece: 3, counter: counter.byteOffset };
}

/** Two rows of a model without inputs worth naming, written to values[at], values[at + 1]. */
function rows(body: string, at = 0): RowsRequest {
  counter[0] = 0;
  const url = `data:text/javascript,export default () => { ${encodeURIComponent(body)} }`;
  const out = RESERVED_BYTES + 8 * at;
  const place = { n: 2, x: RESERVED_BYTES + 512, out, counter: counter.byteOffset, piece: 1 };
  return { url, exportName: 'default', names: ['a'], outputs: 1, ...place };
}

test('call(): runs a kernel on the shared memory and rejects with what the worker threw', async () => {
  await pool.call(0, 'kernel', [normals(8)]);
  expect(values.every((value) => value !== 0)).toBe(true);
  await expect(pool.call(0, 'kernel', [normals(8, 'absent')])).rejects.toThrow(/function/i);
});

test('idle(): lists workers that are up and have nothing to do', async () => {
  pool.start(2);
  await Promise.all([0, 1].map((slot) => pool.call(slot, 'rows', [rows('return 1;')])));
  expect(pool.idle()).toEqual([0, 1]);
  const busy = pool.call(0, 'rows', [rows('return 2;')]);
  expect(pool.idle()).toEqual([1]);
  await busy;
  expect(pool.idle()).toEqual([0, 1]);
});

test('call(): a call aborted while it waits rejects at once, never starts, and leaves the one before it alone', async () => {
  let done = false;
  const first = pool
    .call(0, 'rows', [rows('return new Promise((go) => setTimeout(() => go(5), 50));')])
    .finally(() => {
      done = true;
    });
  const stop = new AbortController();
  const second = pool.call(0, 'kernel', [normals(2)], stop.signal);
  stop.abort(new Error('not needed'));
  await expect(second).rejects.toThrow('not needed');
  expect(done).toBe(false);
  expect(await first).toEqual({ failures: [] });
  expect([...values.subarray(0, 2)]).toEqual([5, 5]);
});

test('call(): a worker that dies takes only its own call with it', async () => {
  const dying = pool.call(1, 'rows', [rows('process.exit(9);')]);
  const next = pool.call(1, 'kernel', [normals(8)]);
  await expect(dying).rejects.toThrow(WorkerDeath);
  await expect(dying).rejects.toThrow('exit code 9');
  await next;
});

test('dispose(): ends workers, busy ones too, and a later call starts them anew', async () => {
  const busy = pool.call(0, 'rows', [rows('while (true);')]);
  const ended = expect(busy).rejects.toThrow();
  await new Promise((resolve) => setTimeout(resolve, 100));
  await pool.dispose();
  await ended;
  expect(pool.idle()).toEqual([]);
  await pool.call(0, 'kernel', [normals(1)]);
});
