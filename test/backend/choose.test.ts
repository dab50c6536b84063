import { expect, test } from 'vitest';
import { chooseBackend, defaultBackend, describeBackends } from '../../engine/backend/choose.ts';
import { defaultThreads } from '../../engine/backend/host.ts';
import { BackendError, OptionError } from '../../engine/errors.ts';

test('defaultBackend(): is made once, uses what the machine has, and survives dispose', async () => {
  const backend = await defaultBackend();
  expect(await defaultBackend()).toBe(backend);
  expect(await chooseBackend()).toBe(backend);
  expect([backend.name, backend.threads]).toEqual(['wasm', defaultThreads()]);
  await backend.dispose();
  const x = backend.arena().f64(4);
  await backend.dispatch('normal', [x, 1, 7, 0, 0, 0, 0], 4);
  expect(x.every((value) => value !== 0)).toBe(true);
});

test('chooseBackend(): gives the named backend with the asked threads', async () => {
  expect((await chooseBackend({ backend: 'js' })).name).toBe('js');
  expect((await chooseBackend({ backend: 'wasm', threads: 3 })).adapter).toBe('WASM SIMD, 3 threads');
  expect((await chooseBackend({ threads: 1 })).adapter).toBe('WASM SIMD, 1 thread');
});

test('chooseBackend(): what is missing is refused with what was tried, what is unknown with the nearest name', async () => {
  const gpu = chooseBackend({ backend: 'webgpu' });
  await expect(gpu).rejects.toThrow(/backend webgpu is missing: this version has no GPU backend/);
  await expect(gpu).rejects.toMatchObject({
    code: 'backend',
    tried: ['webgpu: this version has no GPU backend'],
  });
  await expect(chooseBackend({ backend: 'js', threads: 2 })).rejects.toThrow(BackendError);
  await expect(chooseBackend({ backend: 'wsam' })).rejects.toThrow(/Did you mean wasm\?/);
  await expect(chooseBackend({ threads: 1.5 })).rejects.toThrow(OptionError);
});

test('describeBackends(): lists what is ready and why the rest is missing', async () => {
  const rows = await describeBackends();
  expect(rows.map(({ backend, state }) => [backend, state])).toEqual([
    ['webgpu', 'missing'],
    ['wasm', 'ready'],
    ['js', 'ready'],
  ]);
  expect(rows[1]!.what).toMatch(new RegExp(`^SIMD, ${defaultThreads()} threads?, f64$`));
});
