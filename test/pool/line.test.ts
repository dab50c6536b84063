import { afterAll, expect, test } from 'vitest';
import { isHot, type Job, post, settle } from '../../engine/pool/caller.ts';
import {
  type Cut,
  HOT,
  inZones,
  type Line,
  openLine,
  POSTED,
  STATE,
  STRIDE,
} from '../../engine/pool/line.mjs';
import { type KernelRequest, makePool } from '../../engine/pool/pool.ts';
import { compileKernels, RESERVED_BYTES, rawKernels } from '../../engine/wasm/loader.ts';

const memory = new WebAssembly.Memory({ initial: 3, maximum: 3, shared: true });
const module = compileKernels(true);
const pool = makePool(2, { module, memory });
afterAll(() => pool.dispose());

const names = Object.keys(rawKernels(module, memory));
const values = new Float64Array(memory.buffer, RESERVED_BYTES, 64);
const counter = new Uint32Array(memory.buffer, RESERVED_BYTES + 1024, 1);

/** Normals of step `step` into values[0..63]. */
function request(step = 0, out: number = RESERVED_BYTES): KernelRequest {
  counter[0] = 0;
  const call = { kernel: names.indexOf('normal'), args: [out, 1, 7, 0, 0, step, 0], each: 1, items: 64 };
  return { calls: [call], count: 64, piece: 8, counter: counter.byteOffset };
}

function job(step: number, out?: number): Job {
  return { calls: request(step, out).calls, counters: counter.byteOffset };
}

/** All of it for one thread. */
const ALL: Cut = { count: 64, piece: 8, zone: 0, zones: 1 };

/** A line to worker 0 that looks out for work; on a busy machine it may have given up before we see it. */
async function hot(): Promise<Line> {
  for (let trial = 0; trial < 1000; trial++) {
    await pool.call(0, 'kernel', [request()]);
    const [line] = pool.lines(1);
    if (line !== undefined) return line;
  }
  throw new Error('no worker looks out');
}

/** The line by which a worker has taken a job. */
async function taken(step: number, out?: number): Promise<Line> {
  for (;;) {
    const line = await hot();
    values.fill(0);
    if (!post(line, job(step, out), ALL)) continue;
    until(() => Atomics.load(line.words, STATE) !== POSTED);
    return line;
  }
}

function until(what: () => boolean): void {
  const end = performance.now() + 5000;
  while (!what()) expect(performance.now()).toBeLessThan(end);
}

test('a worker that has run a kernel takes the next ones from shared memory, without a turn of the event loop', async () => {
  await pool.call(0, 'kernel', [request(5)]);
  const expected = values.slice();
  for (const step of [1, 2, 5]) {
    settle(await taken(step));
    expect(values.every((value) => value !== 0)).toBe(true);
  }
  expect([...values]).toEqual([...expected]);
});

test('a worker that finds nothing turns to its event loop; then there is nothing to hand it a kernel by', async () => {
  const line = await hot();
  until(() => !isHot(line));
  expect(pool.lines(2)).toEqual([]);
  expect(post(line, job(1), ALL)).toBe(false);
  values.fill(0);
  await pool.call(0, 'kernel', [request()]);
  expect(values[63]).not.toBe(0);
});

test('a message reaches a worker that looks out for kernels, at once and in its turn', async () => {
  const url = 'data:text/javascript,export default () => 3';
  const out = RESERVED_BYTES + 2048;
  const rows = {
    ...{ url, exportName: 'default', names: ['a'], outputs: 1, n: 2, x: RESERVED_BYTES, out },
    ...{ counter: counter.byteOffset, piece: 1 },
  };
  await pool.call(0, 'rows', [rows]);
  expect(pool.lines(1)).toEqual([]);
  const line = await hot();
  counter[0] = 0;
  const answer = pool.call(0, 'rows', [rows]);
  expect(isHot(line)).toBe(false);
  expect(post(line, job(1), ALL)).toBe(false);
  expect(await answer).toEqual({ failures: [] });
});

test('post(), settle(): a job that no worker has come to is taken back, and can be posted again', () => {
  const line = openLine();
  expect(post(line, job(1), ALL)).toBe(false);
  Atomics.store(line.words, STATE, HOT);
  expect(post(line, job(1), ALL)).toBe(true);
  expect(post(line, job(2), ALL)).toBe(false);
  settle(line);
  expect(isHot(line)).toBe(true);
  expect(post(line, job(2), ALL)).toBe(true);
});

test('settle(): a kernel that fails in the worker throws here, and the worker goes on', async () => {
  const line = await taken(1, memory.buffer.byteLength);
  expect(() => settle(line)).toThrow('a kernel failed');
  expect(isHot(line)).toBe(false);
  await hot();
});

test('dispose(): ends a worker that looks out, and the line of a new one is another', async () => {
  const line = await hot();
  await pool.dispose();
  expect(pool.lines(2)).toEqual([]);
  const next = await hot();
  expect(next.buffer).not.toBe(line.buffer);
});

test('inZones(): threads do each piece once, their own first, and what others leave', () => {
  for (const [count, piece, zones] of [
    [64, 8, 2],
    [1000, 7, 3],
    [5, 8, 3],
    [0, 8, 2],
  ] as const) {
    const done = new Uint8Array(count);
    const begun: number[] = [];
    const run = (lo: number, hi: number): void => {
      begun.push(lo);
      for (let i = lo; i < hi; i++) done[i]!++;
    };
    const counters = new Uint32Array(STRIDE * zones);
    // The last one first: it finds the pieces of all others still there.
    for (let zone = zones - 1; zone >= 0; zone--) inZones(run, counters, { count, piece, zone, zones });
    expect(done.every((times) => times === 1)).toBe(true);
    if (count > zones * piece) expect(begun[0]! / count).toBeCloseTo((zones - 1) / zones, 1);
  }
});
