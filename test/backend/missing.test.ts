import { afterAll, afterEach, expect, test, vi } from 'vitest';

// What backends find is kept for good: modules of its own, which no other file sees.
vi.resetModules();
const { chooseBackend, describeBackends } = await import('../../engine/backend/choose.ts');
const { hostBackend } = await import('../../engine/backend/host.ts');
const { jsBackend } = await import('../../engine/backend/js.ts');
const { BackendError } = await import('../../engine/errors.ts');

afterEach(() => vi.unstubAllGlobals());
afterAll(() => vi.resetModules());

// Compiled kernels are kept for good, so this one comes first.
test('chooseBackend(): without WebAssembly auto takes plain JavaScript, and wasm is refused with what was tried', async () => {
  vi.stubGlobal('WebAssembly', undefined);
  expect((await chooseBackend()).name).toBe('js');
  const asked = chooseBackend({ backend: 'wasm' });
  await expect(asked).rejects.toThrow(BackendError);
  await expect(asked).rejects.toMatchObject({ tried: ['WebAssembly SIMD'] });
  const rows = await describeBackends();
  expect(rows.slice(1).map(({ state }) => state)).toEqual(['missing', 'ready']);
  expect(rows[1]!.what).toMatch(/did not compile/);
});

test('hostBackend(): in a page that is not cross-origin isolated it has one thread, no workers, and the same bits', async () => {
  vi.stubGlobal('crossOriginIsolated', false);
  const backend = await hostBackend();
  expect([backend.adapter, backend.threads, backend.evaluateModule]).toEqual([
    'WASM SIMD, 1 thread',
    1,
    undefined,
  ]);
  const reference = jsBackend();
  const arrays = [backend, reference].map((each) => each.arena().f64(1001));
  await backend.dispatch('normal', [arrays[0]!, 1, 7, 0, 0, 3, 0], 1001);
  await reference.dispatch('normal', [arrays[1]!, 1, 7, 0, 0, 3, 0], 1001);
  expect([...arrays[0]!]).toEqual([...arrays[1]!]);
  expect(arrays[0]!.buffer).toBeInstanceOf(ArrayBuffer);
  await expect(hostBackend({ threads: 2 })).rejects.toThrow(
    /2 threads are asked for, and memory cannot be shared/,
  );
});
