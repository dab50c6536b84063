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

test('chooseBackend(): what cannot be is refused, what is unknown with the nearest name', async () => {
  await expect(chooseBackend({ backend: 'js', threads: 2 })).rejects.toThrow(BackendError);
  await expect(chooseBackend({ backend: 'wsam' })).rejects.toThrow(/Did you mean wasm\?/);
  await expect(chooseBackend({ threads: 1.5 })).rejects.toThrow(OptionError);
  const misspelt = { backend: 'webgpu', allowsoftware: true };
  await expect(chooseBackend(misspelt)).rejects.toThrow(/Did you mean allowSoftware\?/);
  await expect(chooseBackend({ allowSoftware: true })).rejects.toThrow(
    /`allowSoftware` is true with backend: 'auto'; expected .* with backend: 'webgpu' only/,
  );
});

test('describeBackends(): lists what is ready and why the rest is missing', async () => {
  const [card, wasm, js] = await describeBackends();
  expect([wasm?.backend, wasm?.state, js?.backend, js?.state]).toEqual(['wasm', 'ready', 'js', 'ready']);
  expect(wasm?.what).toMatch(new RegExp(`^SIMD, ${defaultThreads()} threads?, f64$`));
  expect(card?.backend).toBe('webgpu');
  if (card?.state === 'missing') expect(card.what).not.toBe('');
  else expect(card?.limits?.arrayBytes).toBeGreaterThanOrEqual(2 ** 27);
});
