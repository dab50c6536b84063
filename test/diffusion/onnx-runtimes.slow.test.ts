import { afterEach, describe, expect, test, vi } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import {
  type OnnxDenoiser,
  type OnnxDenoiserOptions,
  onnxDenoiser,
} from '../../engine/diffusion/onnx-denoiser.ts';
import { vpLinear } from '../../engine/diffusion/schedules.ts';
import type { OnnxRuntime } from '../../engine/model/onnx.ts';
import { iterate, run } from '../../engine/run.ts';
import { reverseDiffusion } from '../../estimators/corrector/reverse-diffusion.ts';
import { onnxFile, tinyNetwork } from '../support/onnx-model.ts';

/*
 * One contract for all runtimes. onnxruntime-web is 139 MB and no part of the development install:
 *
 *   npm install --no-save onnxruntime-web
 *
 * or ENSAMPLE_ONNXRUNTIME_WEB=<its dist/ort.node.min.mjs>. Without it these tests are skipped, with REQUIRE_ONNX_WEB=1 they fail.
 */

type Found = { readonly default?: OnnxRuntime } & OnnxRuntime;

async function runtime(name: string): Promise<OnnxRuntime | undefined> {
  try {
    const found = (await import(name)) as Found;
    return found.InferenceSession === undefined ? found.default : found;
  } catch {
    return undefined;
  }
}

const web = await runtime(process.env.ENSAMPLE_ONNXRUNTIME_WEB ?? 'onnxruntime-web');
if (web === undefined) {
  const reason = 'onnxruntime-web is not installed: npm install --no-save onnxruntime-web';
  if (process.env.REQUIRE_ONNX_WEB === '1') throw new Error(`REQUIRE_ONNX_WEB=1, and ${reason}`);
  console.warn(`SKIPPED: networks in browsers' runtime. ${reason}`);
} else {
  // Threads of its own would outlive the tests.
  (web as unknown as { env: { wasm: { numThreads: number } } }).env.wasm.numThreads = 1;
}

const schedule = vpLinear();
const tiny = tinyNetwork({ classes: 10 });
const model = onnxFile(tiny.graph);

describe.each([
  { name: 'onnxruntime-node', provider: 'cpu', own: await runtime('onnxruntime-node') },
  { name: 'onnxruntime-web', provider: 'wasm', own: web },
])('$name', ({ name, provider, own }) => {
  const made = (more: Partial<OnnxDenoiserOptions> = {}): Promise<OnnxDenoiser> =>
    onnxDenoiser({
      ...{ model, runtime: own!, schedule, prediction: 'noise', time: 'time', condition: { y: 3 }, ...more },
    });

  test.skipIf(own === undefined)(
    'gives the numbers of the plain function, guided, with rows of their own',
    async () => {
      const condition = Array.from({ length: 7 }, (_, i) => ({ y: i }));
      const x = Float64Array.from({ length: 14 }, (_, i) => 1.5 * Math.sin(3 * i + 1));
      const time = Float64Array.from({ length: 7 }, (_, i) => 0.1 + 0.1 * i);
      for (const scale of [1, 2.5]) {
        const guidance = { scale, unconditional: { y: 10 } };
        const denoiser = await made({ condition, batch: 3, ...(scale === 1 ? {} : { guidance }) });
        const out = new Float64Array(14);
        await denoiser.predict(x, time, out);
        const expected = condition.flatMap(({ y }, i) => {
          const at = x.subarray(2 * i, 2 * i + 2);
          const [c, u] = [tiny.predict(at, time[i]!, y), tiny.predict(at, time[i]!, 10)];
          return c.map((value, k) => u[k]! + scale * (value - u[k]!));
        });
        for (const [i, value] of out.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(2e-6);
        denoiser.network.hold()();
      }
    },
  );

  test.skipIf(own === undefined)(
    'says where it ran, and frees its session at the end and when aborted',
    async () => {
      const denoiser = await made();
      const sampler = reverseDiffusion({ denoiser, particles: 5, steps: 4 });
      const { provenance } = await run(sampler, { seed: 1, backend: jsBackend() });
      expect(provenance.notes.join()).toMatch(
        new RegExp(` ran on ${provider} by ${name} \\d+\\.\\d+\\.\\d+\\.$`),
      );
      expect(denoiser.network.open).toBe(false);
      const stop = new AbortController();
      const reading = async (): Promise<void> => {
        for await (const { info } of iterate(sampler, { seed: 1, backend: jsBackend(), signal: stop.signal }))
          if (info.done === 2) stop.abort();
      };
      await expect(reading()).rejects.toThrow();
      expect(denoiser.network.open).toBe(false);
    },
  );

  test.skipIf(own === undefined)('refuses what is no network, and providers that are not there', async () => {
    await expect(made({ model: Uint8Array.of(1, 2, 3) })).rejects.toThrow('network is not an ONNX file');
    await expect(made({ providers: ['nonsense', 'cuda'] })).rejects.toThrow(
      /no session could be made on nonsense, cuda \(nonsense: .*; cuda: .*\)/,
    );
    const second = await made({ providers: ['nonsense', provider] });
    expect(second.place).toMatch(new RegExp(`^${provider} by ${name}`));
    second.network.hold()();
    await expect(made({ condition: { y: [1, 2] } })).rejects.toThrow('has 2 numbers for y int64 [N]');
    await expect(made({ inputs: { x: 'image' } })).rejects.toThrow('there is no input "image"');
  });
});

describe('where no runtime is installed', () => {
  afterEach(() => {
    vi.doUnmock('onnxruntime-node');
    vi.doUnmock('onnxruntime-web');
  });

  test('the message says what to install', async () => {
    const none = (): never => {
      throw new Error('Cannot find package');
    };
    vi.doMock('onnxruntime-node', none);
    vi.doMock('onnxruntime-web', none);
    await expect(onnxDenoiser({ model, schedule, prediction: 'noise', time: 'time' })).rejects.toThrow(
      /there is nothing to run networks with \(onnxruntime-node: .*; onnxruntime-web: .*\); expected the package onnxruntime-node\. Install it: npm install onnxruntime-node\./,
    );
  });
});
