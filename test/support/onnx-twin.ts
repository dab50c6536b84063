import { expect } from 'vitest';
import type { Denoiser, Times } from '../../engine/diffusion/denoiser.ts';
import {
  type OnnxDenoiser,
  type OnnxDenoiserOptions,
  onnxDenoiser,
} from '../../engine/diffusion/onnx-denoiser.ts';
import type { NoiseSchedule } from '../../engine/diffusion/schedule.ts';
import { vpLinear } from '../../engine/diffusion/schedules.ts';
import type { OnnxSession } from '../../engine/model/onnx.ts';
import { type OnnxGraph, onnxFile, type TinyOptions, tinyNetwork } from './onnx-model.ts';

/** Of every tiny network. */
export const schedule: NoiseSchedule = vpLinear();

/** Points [n, d]. */
export function points(n: number, d = 2): Float64Array {
  return Float64Array.from({ length: n * d }, (_, i) => 1.5 * Math.sin(3 * i + 1));
}

export async function predicted(denoiser: Denoiser, x: Float64Array, time: Times): Promise<Float64Array> {
  const out = new Float64Array(x.length);
  const returned = await denoiser.predict(x, time, out);
  expect(returned).toBeUndefined();
  return out;
}

/** The same network as a plain function. */
export function twin(
  tiny: TinyOptions,
  label: (time: number) => number,
  y?: number,
  guidance = { scale: 1, y: 0 },
): Denoiser {
  const { predict } = tinyNetwork(tiny);
  const d = tiny.d ?? 2;
  return {
    dimension: d,
    schedule,
    prediction: 'noise',
    predict: async (x, time) =>
      Array.from({ length: x.length / d }, (_, i) => {
        const [row, told] = [
          x.subarray(i * d, (i + 1) * d),
          label(typeof time === 'number' ? time : time[i]!),
        ];
        const c = predict(row, told, y);
        const u = predict(row, told, guidance.y);
        return c.map((value, k) => (guidance.scale === 1 ? value : u[k]! + guidance.scale * (value - u[k]!)));
      }).flat(),
  };
}

export async function numbers(denoiser: Denoiser, x: Float64Array, time: Times): Promise<Float64Array> {
  const out = new Float64Array(x.length);
  return Float64Array.from((await denoiser.predict(x, time, out)) ?? out);
}

export function expectNear(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6): void {
  expect(found.length).toBe(expected.length);
  for (let i = 0; i < found.length; i++) expect(Math.abs(found[i]! - expected[i]!)).toBeLessThan(tolerance);
}

const sessions = new Map<string, Promise<OnnxSession>>();

/** A session for all who ask for the same network: making one takes longer than using it. */
export function shared(graph: OnnxGraph): Promise<OnnxSession> {
  const key = JSON.stringify(graph);
  let made = sessions.get(key);
  if (made === undefined) {
    made = import('onnxruntime-node').then(({ InferenceSession }) =>
      InferenceSession.create(onnxFile(graph)),
    );
    sessions.set(key, made);
  }
  return made;
}

export async function tiny(
  own: Partial<OnnxDenoiserOptions> = {},
  network: TinyOptions = {},
): Promise<OnnxDenoiser> {
  const model = own.model ?? (await shared(tinyNetwork(network).graph));
  return onnxDenoiser({ schedule, prediction: 'noise', time: 'time', ...own, model });
}

/** Sessions that count their runs and rows. */
export function counted(graph: OnnxGraph): { session: Promise<OnnxSession>; runs: number[] } {
  const runs: number[] = [];
  const session = (async (): Promise<OnnxSession> => {
    const real = await shared(graph);
    return new Proxy(real, {
      get(own, name) {
        if (name === 'run')
          return (feeds: Record<string, { dims: readonly number[] }>) => {
            runs.push(feeds.x!.dims[0]!);
            return own.run(feeds as never);
          };
        const value: unknown = Reflect.get(own, name);
        return typeof value === 'function' ? value.bind(own) : value;
      },
    });
  })();
  return { session, runs };
}
