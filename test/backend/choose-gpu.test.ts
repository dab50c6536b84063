import { expect, test, vi } from 'vitest';
import { chooseBackend, defaultBackend, describeBackends } from '../../engine/backend/choose.ts';
import { onProcessor } from '../../engine/backend/provenance.ts';
import { BackendError } from '../../engine/errors.ts';
import { describeGpu, withGpu } from '../support/gpu.ts';

/** What a browser without, or with a WebGPU that answers `adapter`, has in the place of Dawn. */
async function withNavigator<T>(gpu: unknown, work: () => Promise<T>): Promise<T> {
  vi.stubGlobal('navigator', { gpu });
  try {
    return await work();
  } finally {
    vi.unstubAllGlobals();
  }
}

test("chooseBackend(): 'webgpu' that is missing is refused with what was tried", () =>
  withNavigator({ requestAdapter: async () => null }, async () => {
    const asked = chooseBackend({ backend: 'webgpu', allowSoftware: true });
    await expect(asked).rejects.toThrow(BackendError);
    await expect(asked).rejects.toThrow(
      /no GPU was found \(WebGPU is here, but no graphics card answered\); expected .* Use backend: 'auto'/,
    );
    await expect(asked).rejects.toMatchObject({ tried: ['WebGPU is here, but no graphics card answered'] });
    const [row] = await describeBackends();
    expect(row).toEqual({
      backend: 'webgpu',
      state: 'missing',
      what: 'WebGPU is here, but no graphics card answered',
      note: '',
    });
  }));

test('describeBackends(): a card tells its name, its largest array and when auto takes it', async () => {
  const adapter = {
    info: { vendor: 'nvidia', architecture: 'hopper', device: '', description: '', isFallbackAdapter: false },
    limits: { maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: 2 ** 31 },
  };
  const rows = await withNavigator({ requestAdapter: async () => adapter }, describeBackends);
  expect(rows.map(({ what, note }) => [what, note])).toEqual([
    ['nvidia hopper, 2 GiB an array, f32', 'gpuKernel models from 1 048 576 evaluations on'],
    [expect.stringMatching(/^SIMD/), 'everything else'],
    ['plain JavaScript, f64', 'if WASM is missing'],
  ]);
  expect(rows[0]!.limits).toEqual({ arrayBytes: 2 ** 31 });
});

describeGpu('chooseBackend() with a software adapter', () => {
  test("'webgpu' takes it on request only, and says how", async () => {
    const software = await withGpu(async (gpu) => gpu.software);
    const asked = chooseBackend({ backend: 'webgpu' });
    if (!software) return (await asked).dispose();
    await expect(asked).rejects.toThrow(/only a software adapter answered: .* allowSoftware: true\.$/);
    const [row] = await describeBackends();
    expect([row?.state, row?.note]).toEqual(['software', 'only on request (allowSoftware)']);
  });

  test("'auto' never takes it, and gives the reason", async () => {
    const { gpu, reason } = await (await defaultBackend()).card(2 ** 30);
    if (gpu !== undefined) return expect(gpu.software).toBe(false);
    expect(reason).toMatch(/^no GPU was found \(only a software adapter answered: .*\)$/);
  });

  test('the backend has the card for kernels and the processor for everything else', async () => {
    const backend = await chooseBackend({ backend: 'webgpu', allowSoftware: true, threads: 1 });
    const { gpu, reason } = await backend.card(1);
    expect([backend.name, backend.precision, backend.adapter]).toEqual(['webgpu', 'float32', gpu?.adapter]);
    expect(reason).toBe("backend 'webgpu' was asked for");
    expect(onProcessor(backend)).toEqual({
      backend: 'wasm',
      adapter: 'WASM SIMD, 1 thread',
      precision: 'float64',
    });
    const x = backend.arena().f64(4);
    await backend.dispatch('normal', [x, 1, 7, 0, 0, 0, 0], 4);
    expect(x.every((value) => value !== 0)).toBe(true);
    await backend.dispose();
    await expect(gpu!.done()).rejects.toThrow(/was given back/);
  });
});
