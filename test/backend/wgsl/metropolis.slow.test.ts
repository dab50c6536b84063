import { expect, test } from 'vitest';
import type { Gpu } from '../../../engine/backend/gpu/types.ts';
import type { KernelCode } from '../../../engine/backend/kernel/types.ts';
import { FAILED, metropolisShader } from '../../../engine/backend/wgsl/metropolis.ts';
import { mixtureKernel } from '../../../engine/backend/wgsl/mixture.ts';
import { kernelMoveShader } from '../../../engine/backend/wgsl/moves.ts';
import { type MixtureParameters, mixtureParameters } from '../../../engine/distribution/normal-mixture.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import { channel, rngFromSeed } from '../../../engine/random/rng.ts';
import { twins } from '../../../engine/wasm/kernels.ts';
import { philoxBlock } from '../../../engine/wasm/twins/philox.ts';
import { describeGpu, withGpu } from '../../support/gpu.ts';
import { expectMeans, expectRejected } from '../../support/law.ts';

const SEED = 20260308;
const [k0, k1] = rngFromSeed(SEED).key;
const STEP = 9;

const mixture = mixtureParameters({
  means: [
    [-1, 0.5],
    [2, 0],
  ],
  covariances: [
    [
      [1, 0.4],
      [0.4, 0.7],
    ],
    [
      [0.5, 0],
      [0, 1.5],
    ],
  ],
  weights: [1, 2],
});

interface Moved {
  readonly x: Float32Array;
  readonly outcome: Uint32Array;
}

interface Settings {
  readonly kernel: KernelCode;
  readonly scored: boolean;
  readonly moves: number;
  readonly scale: number;
  readonly drift: number;
}

/** `moves` moves of the rows of x [n, 2] on the card. */
async function onCard(gpu: Gpu, x: Float32Array, settings: Settings): Promise<Moved> {
  const { kernel, scored, moves, scale, drift } = settings;
  const n = x.length / 2;
  const arena = gpu.arena();
  const [points, logDensity, outcome] = [arena.f32(x.length), arena.f32(n), arena.u32(n)];
  const [constants, factor] = [arena.f32(kernel.constants.length), arena.f32(1)];
  gpu.write(points, x);
  gpu.write(constants, kernel.constants);
  const shader = metropolisShader(kernel, 2, 'unit', scored, scored ? 2 : 0);
  for (let sub = 0; sub < moves; sub++) {
    const address = { k0, k1, first: 0, step: STEP, channel: channel(PURPOSE.proposal, sub) };
    const params = {
      ...address,
      acceptance: channel(PURPOSE.acceptance, sub),
      fresh: sub === 0 ? 1 : 0,
      drift,
      scale,
    };
    gpu.run(shader, { x: points, constants, factor, logDensity, outcome }, params, n);
  }
  const moved = { x: await gpu.read(points), outcome: await gpu.read(outcome) };
  arena.release();
  return moved;
}

/** The broken twin: the same proposals, all accepted. */
async function langevinOnCard(gpu: Gpu, x: Float32Array, settings: Settings): Promise<Float32Array> {
  const { kernel, moves, scale, drift } = settings;
  const arena = gpu.arena();
  const [a, b, constants] = [arena.f32(x.length), arena.f32(x.length), arena.f32(kernel.constants.length)];
  gpu.write(a, x);
  gpu.write(constants, kernel.constants);
  const shader = kernelMoveShader(kernel, 2, 'unit');
  for (let sub = 0; sub < moves; sub++) {
    const [now, next] = sub % 2 === 0 ? [a, b] : [b, a];
    const params = {
      k0,
      k1,
      first: 0,
      step: STEP,
      channel: channel(PURPOSE.proposal, sub),
      keep: 1,
      drift,
      scale,
    };
    gpu.run(shader, { x: now, constants, factor: now, next }, params, x.length / 2);
  }
  return gpu.read(moves % 2 === 0 ? a : b);
}

interface Evaluated {
  readonly l: Float64Array;
  readonly s: Float64Array;
}

function evaluate(x: Float64Array, { means, whiten, logConstant, components }: MixtureParameters): Evaluated {
  const n = x.length / 2;
  const [l, s] = [new Float64Array(n), new Float64Array(2 * n)];
  twins.mixtureScore(x, 2, means, whiten, logConstant, components, l, s, 0, n);
  return { l, s };
}

/** The same moves in float64, written from the definition of the Metropolis-Hastings ratio. */
function onHost(start: Float32Array, { scored, moves, scale, drift }: Settings): Float64Array {
  const x = Float64Array.from(start);
  const n = x.length / 2;
  const z = new Float64Array(2 * n);
  const words = new Uint32Array(4);
  const log = (at: Evaluated, i: number, from: Float64Array, to: Float64Array): number => {
    let square = 0;
    for (let c = 2 * i; c < 2 * i + 2; c++)
      square += (to[c]! - from[c]! - (scored ? drift * at.s[c]! : 0)) ** 2;
    return -square / (2 * scale * scale);
  };
  for (let sub = 0; sub < moves; sub++) {
    const here = evaluate(x, mixture);
    twins.normal(z, 2, k0, k1, 0, STEP, channel(PURPOSE.proposal, sub), 0, n);
    const y = x.map((v, c) => v + (scored ? drift * here.s[c]! : 0) + scale * z[c]!);
    const there = evaluate(y, mixture);
    for (let i = 0; i < n; i++) {
      philoxBlock(i, STEP, 0, channel(PURPOSE.acceptance, sub), k0, k1, words);
      const u = ((words[0]! >>> 9) + 0.5) * 2 ** -23;
      const ratio = there.l[i]! - here.l[i]! + log(there, i, y, x) - log(here, i, x, y);
      if (Math.log(u) < ratio) x.set(y.subarray(2 * i, 2 * i + 2), 2 * i);
    }
  }
  return x;
}

function starts(n: number): Float32Array<ArrayBuffer> {
  const stream = rngFromSeed(SEED).stream({ purpose: 40 });
  return Float32Array.from({ length: 2 * n }, () => 2 * stream.normal());
}

const WALK = { kernel: mixtureKernel(mixture, false), scored: false, scale: 1.2, drift: 0 };
const LANGEVIN = { kernel: mixtureKernel(mixture, true), scored: true, scale: 1, drift: 0.5 };

describeGpu('metropolis', () => {
  test('metropolisShader: positions after ten moves are those of float64, but for decisions on a knife edge', () =>
    withGpu(async (gpu) => {
      const n = 2000;
      for (const settings of [WALK, LANGEVIN]) {
        const all = { ...settings, moves: 10 };
        const { x, outcome } = await onCard(gpu, starts(n), all);
        const expected = onHost(starts(n), all);
        const off =
          x.filter((v, c) => Math.abs(v - expected[c]!) > 1e-4 * Math.max(1, Math.abs(v))).length / 2;
        const accepted = outcome.reduce((sum, count) => sum + count, 0) / (10 * n);
        // 20 000 decisions, each off with a probability of some 1e-6.
        expect(off).toBeLessThanOrEqual(2);
        expect(accepted).toBeGreaterThan(0.3);
        expect(accepted).toBeLessThan(0.9);
      }
    }));

  test('metropolisShader: a density that is NaN, +Infinity or fails marks the row for good and is never moved to', () =>
    withGpu(async (gpu) => {
      const code = `var<private> failed: bool;
var<private> result: array<f32, 1>;
var<private> kernel_bits: u32;
fn result_bits(j: u32) -> u32 { return kernel_bits; }
fn kernel(at: u32) {
  failed = x[at] > 2.0 && x[at + 1u] > 0.0;
  result[0] = -0.5 * x[at] * x[at];
  kernel_bits = select(bitcast<u32>(result[0]), 0x7f800000u + u32(constants[0]), x[at] > 2.0);
}`;
      const n = 1000;
      for (const nan of [0, 1]) {
        const kernel = { code, constants: Float32Array.of(nan) };
        const { x, outcome } = await onCard(gpu, new Float32Array(2 * n), {
          ...WALK,
          kernel,
          scale: 2,
          moves: 3,
        });
        expect(x.filter((v, c) => c % 2 === 0 && v > 2).length).toBe(0);
        const failed = outcome.filter((count) => count === FAILED).length;
        expect(failed).toBeGreaterThan(n / 10);
        expect(Math.max(...outcome.filter((count) => count !== FAILED))).toBeLessThanOrEqual(3);
      }
    }));

  test('metropolisShader: Langevin moves keep the law they start from; without the correction they do not', () =>
    withGpu(async (gpu) => {
      const n = 25_000;
      const stream = rngFromSeed(SEED).stream({ purpose: 41 });
      // Exact draws: component, then mean + L z.
      const start = new Float32Array(2 * n);
      for (let i = 0; i < n; i++) {
        const [z0, z1] = [stream.normal(), stream.normal()];
        const first = stream.uniform() < 1 / 3;
        start[2 * i] = first ? -1 + z0 : 2 + Math.sqrt(0.5) * z0;
        start[2 * i + 1] = first ? 0.5 + 0.4 * z0 + Math.sqrt(0.54) * z1 : Math.sqrt(1.5) * z1;
      }
      // E x0 = 1, E x0^2 = (2 + 2 (0.5 + 4)) / 3, E x1 = 1 / 6, E x1^2 = (0.95 + 2 * 1.5) / 3, E x0 x1 = -0.1 / 3.
      const truth = [1, 11 / 3, 1 / 6, 3.95 / 3, (0.4 - 0.5) / 3];
      const moments = (x: Float32Array): Parameters<typeof expectMeans>[0] => {
        const values = new Float64Array(5 * n);
        for (let i = 0; i < n; i++) {
          const [a, b] = [x[2 * i]!, x[2 * i + 1]!];
          values.set([a, a * a, b, b * b, a * b], 5 * i);
        }
        return { runs: n, width: 5, values };
      };
      // A shift of 0.046 standard deviations in one of five means is caught 99 times in 100.
      const { x } = await onCard(gpu, start, { ...LANGEVIN, moves: 8 });
      const unadjusted = await langevinOnCard(gpu, start, { ...LANGEVIN, moves: 8 });
      expectMeans(moments(x), truth);
      expectRejected(() => expectMeans(moments(unadjusted), truth));
    }));
});
