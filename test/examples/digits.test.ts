import { afterAll, describe, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { edmGrid } from '../../engine/diffusion/grids.ts';
import { type OnnxDenoiser, onnxDenoiser } from '../../engine/diffusion/onnx-denoiser.ts';
import { veLinear } from '../../engine/diffusion/schedules.ts';
import { heun } from '../../engine/diffusion/solver/runge-kutta.ts';
import { type OnnxArray, type OnnxNetwork, onnxNetwork } from '../../engine/model/onnx.ts';
import { run } from '../../engine/run.ts';
import { reverseDiffusion } from '../../estimators/corrector/reverse-diffusion.ts';
import told from '../../examples/digits/models/digits.json' with { type: 'json' };
import reference from '../reference/digits.json' with { type: 'json' };

/** Numbers of a point. */
const D = 784;
const rows = reference.sigma.length;
const x = Float64Array.from({ length: rows * D }, (_, i) => Math.sin(3 * i + 1));
const goal = Float32Array.from({ length: rows * 10 }, (_, i) => (i % 2 === 0 ? 1 : 0));

const path = (name: string): string => `examples/digits/models/${name}.onnx`;
const opened = new Map<string, Promise<OnnxNetwork>>();
const releases: (() => void)[] = [];

/** A file, loaded once. */
function network(name: string): Promise<OnnxNetwork> {
  const made =
    opened.get(name) ??
    onnxNetwork({ model: path(name), threads: 1 }).then((found) => {
      releases.push(found.hold());
      return found;
    });
  opened.set(name, made);
  return made;
}

let drawer: Promise<OnnxDenoiser> | undefined;

/** The denoiser for a class; one session for all. */
async function digitsOf(label: number): Promise<OnnxDenoiser> {
  drawer ??= onnxDenoiser({
    model: path('denoiser'),
    threads: 1,
    schedule: veLinear(),
    prediction: 'clean',
    time: 'time',
    condition: { label },
  }).then((made) => {
    releases.push(made.network.hold());
    return made;
  });
  return (await drawer).conditioned({ label });
}

afterAll(() => {
  for (const release of releases) release();
});

/** Numbers at the places that the reference keeps, of every row. */
function atPlaces(values: ArrayLike<number>): number[] {
  return reference.sigma.flatMap((_, row) => reference.places.map((place) => values[row * D + place]!));
}

function expectNear(found: ArrayLike<number | bigint>, expected: readonly number[]): void {
  expect(found.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(Number(found[i]) - value)).toBeLessThan(1e-4 * Math.max(1, Math.abs(value)));
  });
}

describe('the networks of examples/digits return what they did in PyTorch', () => {
  test('the denoiser, at three noise levels and classes', async () => {
    for (const [row, label] of reference.label.entries()) {
      const out = new Float64Array(rows * D);
      const denoiser = await digitsOf(label);
      await denoiser.predict(x, Float64Array.from(reference.sigma), out);
      const own = reference.places.map((place) => out[row * D + place]!);
      expectNear(own, reference.clean[row]!);
    }
  });

  test('the reward and its gradient, for clean and for noisy digits', async () => {
    const pixels = Float32Array.from(x);
    const sigma = Float32Array.from(reference.sigma);
    const noisy = await (await network('noisy-digits')).run({ x: pixels, sigma, goal }, rows);
    const clean = await (await network('digits')).run({ x: pixels, goal }, rows);
    for (const [found, expected] of [
      [clean, reference.digits],
      [noisy, reference.noisyDigits],
    ] as const) {
      expectNear(found.logits!, expected.logits.flat());
      expectNear(found.value!, expected.value);
      expectNear(atPlaces(found.gradient as Float32Array), expected.gradient.flat());
    }
  });

  test('the likeliest noise level', async () => {
    const found = await (await network('levels')).run({ x: Float32Array.from(x) }, rows);
    const { levels } = told;
    const logProbability = found.log_probability as OnnxArray & Float32Array;
    const likeliest = reference.sigma.map((_, row) => {
      const own = logProbability.subarray(row * levels.length, (row + 1) * levels.length);
      return levels[own.indexOf(Math.max(...own))]!;
    });
    expectNear(likeliest, reference.likeliestSigma);
  });
});

test('the gradient of the reward is its slope', async () => {
  const net = await network('noisy-digits');
  const reward = async (points: Float32Array): Promise<Record<string, Float32Array>> => {
    const sigma = new Float32Array(points.length / D).fill(1);
    return (await net.run({ x: points, sigma, goal }, sigma.length)) as Record<string, Float32Array>;
  };
  const points = Float32Array.from(x);
  const { gradient } = await reward(points);
  const slope = reference.sigma.map((_, row) => Math.hypot(...gradient!.subarray(row * D, (row + 1) * D)));
  const at = (step: number): Float32Array =>
    points.map((v, i) => v + (step * gradient![i]!) / slope[Math.floor(i / D)]!);
  const [after, before] = [await reward(at(0.1)), await reward(at(-0.1))];
  slope.forEach((expected, row) => {
    expect(expected).toBeGreaterThan(0);
    expect((after.value![row]! - before.value![row]!) / 0.2 / expected).toBeCloseTo(1, 1);
  });
});

test('digits drawn of a class are seen as that class', async () => {
  const schedule = veLinear();
  const grid = edmGrid(schedule, { steps: 10, largest: 40, smallest: 0.02 });
  let right = 0;
  for (const label of [0, 3]) {
    const sampler = reverseDiffusion({
      denoiser: await digitsOf(label),
      integrator: heun(),
      grid,
      particles: 5,
    });
    const { sample } = await run(sampler, { seed: 7, backend: jsBackend() });
    const pixels = Float32Array.from(sample.points);
    const found = await (await network('digits')).run({ x: pixels, goal: new Float32Array(50).fill(1) }, 5);
    for (let i = 0; i < 5; i++) {
      const own = Array.from((found.logits as Float32Array).subarray(10 * i, 10 * i + 10));
      if (own.indexOf(Math.max(...own)) === label) right++;
    }
  }
  expect(right).toBeGreaterThanOrEqual(8);
});
