import { afterAll, expect, test } from 'vitest';
import type { Backend, KernelCall } from '../../engine/backend/backend.ts';
import { hostBackend } from '../../engine/backend/host.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { BackendError, OptionError } from '../../engine/errors.ts';
import { blockCount } from '../../engine/wasm/twins/sums.ts';
import { splitBackend } from '../support/split-backend.ts';

const opened: Backend[] = [];
async function open(threads: number): Promise<Backend> {
  const backend = await hostBackend({ threads });
  opened.push(backend);
  return backend;
}
afterAll(() => Promise.all(opened.map((backend) => backend.dispose())));

function bytesOf(array: Float64Array): Buffer {
  return Buffer.from(array.slice().buffer as ArrayBuffer);
}

const N = 20_001;
const D = 3;

/** Normals, their block sums, and rows resampled from them, cut as finely as asked, as bytes outside the backend's memory. */
async function numbers(backend: Backend, grain: number): Promise<Buffer> {
  const arena = backend.arena();
  const x = arena.f64(N * D);
  const partial = arena.f64(blockCount(N * D));
  await backend.dispatch('normal', [x, D, 7, 0, 0, 3, 1 << 24], N, grain);
  await backend.dispatch('sumBlocks', [x, N * D, partial], partial.length, Math.min(grain, 4));
  expect(x.every(Number.isFinite)).toBe(true);
  // Integer weights 0, 1, 0, 0, 4, 0, 0, 7, ...: many particles have no slot at all.
  const cumulative = arena.f64(N);
  let total = 0;
  for (let i = 0; i < N; i++) cumulative[i] = total += i % 3 === 1 ? i : 0;
  const ancestor = arena.u32(N);
  const rows = arena.f64(N * D);
  await backend.dispatch('systematicAncestors', [cumulative, total, N, 0.25, ancestor], N, grain);
  await backend.dispatch('gatherRows', [x, rows, ancestor, D], N, grain);
  const bytes = Buffer.concat([bytesOf(x), bytesOf(partial), bytesOf(rows)]);
  arena.release();
  return bytes;
}

test('dispatch(): normals, block sums and gathered rows have the same bits for 1, 2, 3 and 8 threads and for plain JavaScript', async () => {
  const reference = await numbers(jsBackend(), 1000);
  for (const threads of [1, 2, 3, 8]) {
    const backend = await open(threads);
    // The first call starts the workers, the later ones find them ready: both ways of cutting are compared.
    for (let round = 0; round < 3; round++) {
      const found = await numbers(backend, 500);
      expect(found.equals(reference), `${threads} threads, round ${round}`).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
});

/** Normals drawn, moved and summed up block by block: three kernels over `rows` rows in one go. */
async function inOneGo(backend: Backend, rows: number): Promise<Buffer> {
  const arena = backend.arena();
  const [x, y] = [arena.f64(rows), arena.f64(rows)];
  const coefficients = arena.f64(3);
  coefficients.set([1, 0.5, 2]);
  const partial = arena.f64(blockCount(rows));
  await backend.chain(
    [
      { kernel: 'normal', args: [x, 1, 7, 0, 0, 3, 1 << 24], over: 'rows' },
      { kernel: 'affineNormal', args: [x, 1, y, 1, 1, coefficients, 9, 0, 0, 1, 0], over: 'rows' },
      { kernel: 'sumBlocks', args: [y, rows, partial], over: 'blocks' },
    ],
    rows,
  );
  const bytes = Buffer.concat([x, y, partial].map(bytesOf));
  arena.release();
  return bytes;
}

test('chain(): has the bits of one kernel after the other, for any number of rows and threads', async () => {
  const backends = await Promise.all([1, 2, 3, 8].map(open));
  for (const rows of [1, 1024, 1025, 70_001]) {
    const reference = await inOneGo(jsBackend(), rows);
    expect((await inOneGo(splitBackend(7), rows)).equals(reference)).toBe(true);
    for (const backend of backends)
      for (let round = 0; round < 3; round++) {
        const found = await inOneGo(backend, rows);
        expect(found.equals(reference), `${rows} rows, ${backend.threads} threads`).toBe(true);
      }
  }
});

test('chain(): hands any number of kernels to the workers, and refuses arrays from elsewhere', async () => {
  const backend = await open(2);
  const arena = backend.arena();
  const x = arena.f64(70_001);
  const out = Array.from({ length: 20 }, () => arena.f64(x.length));
  const drawn = (to: Float64Array, k: number): KernelCall => {
    return { kernel: 'normal', args: [to, 1, k, 0, 0, 0, 0], over: 'rows' };
  };
  for (let round = 0; round < 3; round++) {
    for (const array of out) array.fill(0);
    await backend.chain(out.map(drawn), x.length);
    for (const array of out) expect(array.indexOf(0)).toBe(-1);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const outside = new Float64Array(8);
  await expect(backend.chain([drawn(x, 1), drawn(outside, 2)], 8)).rejects.toThrow(/argument 1 .* elsewhere/);
});

test('dispatch(): workers see memory that was added after they started', async () => {
  const backend = await open(2);
  await numbers(backend, 500);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const arena = backend.arena();
  const far = arena.f64(6 * 2 ** 20);
  const late = arena.f64(N * D);
  expect(late.byteOffset).toBeGreaterThan(far.length * 8);
  await backend.dispatch('normal', [late, D, 7, 0, 0, 3, 1 << 24], N, 500);
  const reference = await numbers(jsBackend(), 500);
  expect(bytesOf(late).equals(reference.subarray(0, late.byteLength))).toBe(true);
  arena.release();
});

test('dispatch(): an array from elsewhere is refused with the kernel and the position of the argument', async () => {
  const backend = await open(1);
  const outside = new Float64Array(8);
  const call = backend.dispatch('normal', [outside, 1, 7, 0, 0, 0, 0], 8);
  await expect(call).rejects.toThrow(/dispatch normal: argument 1 is a Float64Array that lives elsewhere/);
  await expect(call).rejects.toThrow(BackendError);
  const x = backend.arena().f64(8);
  await expect(backend.dispatch('sumBlocks', [x, 8, outside], 1)).rejects.toThrow(/argument 3/);
});

test('dispatch(): a count of zero does nothing', async () => {
  const backend = await open(2);
  const x = backend.arena().f64(4);
  await backend.dispatch('normal', [x, 1, 7, 0, 0, 0, 0], 0);
  expect([...x]).toEqual([0, 0, 0, 0]);
});

test('dispatch(): long work on one thread lets timers run', async () => {
  const backend = await open(1);
  const arena = backend.arena();
  const x = arena.f64(8_000_000);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  await backend.dispatch('normal', [x, 1, 7, 0, 0, 0, 0], x.length);
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(0);
  arena.release();
});

test('hostBackend(): says what it is, and refuses thread counts that cannot be', async () => {
  const backend = await open(2);
  expect([backend.name, backend.adapter, backend.threads]).toEqual(['wasm', 'WASM SIMD, 2 threads', 2]);
  expect((await open(1)).adapter).toBe('WASM SIMD, 1 thread');
  expect((await hostBackend({ wasm: false })).name).toBe('js');
  await expect(hostBackend({ threads: 0 })).rejects.toThrow(OptionError);
  await expect(hostBackend({ threads: 2.5 })).rejects.toThrow(OptionError);
  await expect(hostBackend({ wasm: false, threads: 2 })).rejects.toThrow(BackendError);
});
