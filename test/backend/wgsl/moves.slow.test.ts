import { expect, test } from 'vitest';
import { mixtureKernel } from '../../../engine/backend/wgsl/mixture.ts';
import { kernelMoveShader, normalMoveShader } from '../../../engine/backend/wgsl/moves.ts';
import { mixtureParameters } from '../../../engine/distribution/normal-mixture.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import { channel, rngFromSeed } from '../../../engine/random/rng.ts';
import { twins } from '../../../engine/wasm/kernels.ts';
import { describeGpu, withGpu } from '../../support/gpu.ts';

const SEED = 20260307;
const [k0, k1] = rngFromSeed(SEED).key;

/** Addresses of draws far from 0, so that none may be left out. */
const at = { k0, k1, first: 4_000_000_000, step: 77, channel: channel(PURPOSE.mutation, 5) };

/** Largest difference, each relative to max(1, |expected|). */
function worstError(found: Float32Array, expected: Float64Array): number {
  let worst = 0;
  for (let i = 0; i < found.length; i++)
    worst = Math.max(worst, Math.abs(found[i]! - expected[i]!) / Math.max(1, Math.abs(expected[i]!)));
  return worst;
}

function points(n: number, d: number): Float32Array<ArrayBuffer> {
  const stream = rngFromSeed(SEED).stream({ purpose: 40, particle: d });
  return Float32Array.from({ length: n * d }, () => 2 * stream.normal());
}

describeGpu('moves', () => {
  test('normalMoveShader: random walks agree with the host to 1e-5, whatever the noise is multiplied with', () =>
    withGpu(async (gpu) => {
      for (const [n, d] of [
        [1, 1],
        [257, 2],
        [1000, 5],
      ] as const) {
        const x = points(n, d);
        const arena = gpu.arena();
        const [now, next] = [arena.f32(n * d), arena.f32(n * d)];
        gpu.write(now, x);
        const scale = Float32Array.from({ length: d }, (_, c) => 0.5 + c);
        const factor = arena.f32((d * (d + 1)) / 2);
        const expected = new Float64Array(n * d);
        twins.randomWalk(
          Float64Array.from(x),
          expected,
          Float64Array.from(scale),
          d,
          k0,
          k1,
          at.first,
          at.step,
          at.channel,
          0,
          n,
        );

        gpu.write(factor, scale);
        gpu.run(
          normalMoveShader(d, 'diagonal'),
          { x: now, factor, next },
          { ...at, keep: 1, drift: 0, scale: 1 },
          n,
        );
        expect(worstError(await gpu.read(next), expected)).toBeLessThan(1e-5);

        // The same scales on the diagonal of a triangle, and twice in all.
        const triangle = new Float32Array((d * (d + 1)) / 2);
        for (let r = 0; r < d; r++) triangle[(r * (r + 3)) / 2] = scale[r]! / 2;
        gpu.write(factor, triangle);
        gpu.run(
          normalMoveShader(d, 'triangle'),
          { x: now, factor, next },
          { ...at, keep: 1, drift: 0, scale: 2 },
          n,
        );
        expect(worstError(await gpu.read(next), expected)).toBeLessThan(1e-5);
        arena.release();
      }
    }));

  test('normalMoveShader: an autoregression keeps its share, and a triangle mixes noise by rows', () =>
    withGpu(async (gpu) => {
      const [n, d] = [300, 3];
      const x = points(n, d);
      const z = new Float64Array(n * d);
      twins.normal(z, d, k0, k1, at.first, at.step, at.channel, 0, n);
      const L = [1, 2, 3, 4, 5, 6];
      const expected = new Float64Array(n * d);
      for (let i = 0; i < n; i++)
        for (let r = 0; r < d; r++) {
          let sum = 0;
          for (let c = 0; c <= r; c++) sum += L[(r * (r + 1)) / 2 + c]! * z[i * d + c]!;
          expected[i * d + r] = 0.75 * x[i * d + r]! + 0.5 * sum;
        }
      const arena = gpu.arena();
      const [now, next, factor] = [arena.f32(n * d), arena.f32(n * d), arena.f32(6)];
      gpu.write(now, x);
      gpu.write(factor, Float32Array.from(L));
      gpu.run(
        normalMoveShader(d, 'triangle'),
        { x: now, factor, next },
        { ...at, keep: 0.75, drift: 0, scale: 0.5 },
        n,
      );
      expect(worstError(await gpu.read(next), expected)).toBeLessThan(1e-5);
    }));

  test('kernelMoveShader: Langevin moves of a mixture agree with the host to 1e-5', () =>
    withGpu(async (gpu) => {
      for (const [n, d, K] of [
        [257, 1, 1],
        [1000, 2, 40],
        [255, 5, 3],
      ] as const) {
        const stream = rngFromSeed(SEED).stream({ purpose: 41, particle: d });
        const mixture = mixtureParameters({
          means: Array.from({ length: K }, () => Array.from({ length: d }, () => 2 * stream.normal())),
          covariances: Array.from({ length: K }, () =>
            Array.from({ length: d }, (_, i) => Array.from({ length: d }, (__, j) => (i === j ? 1 : 0.3))),
          ),
        });
        const x = points(n, d);
        const kernel = mixtureKernel(mixture, true);
        const arena = gpu.arena();
        const [now, next, constants] = [
          arena.f32(n * d),
          arena.f32(n * d),
          arena.f32(kernel.constants.length),
        ];
        gpu.write(now, x);
        gpu.write(constants, kernel.constants);
        const h = 0.3;
        const params = { ...at, keep: 1, drift: h / 2, scale: Math.sqrt(h) };
        gpu.run(kernelMoveShader(kernel, d, 'unit'), { x: now, constants, factor: now, next }, params, n);
        const expected = new Float64Array(n * d);
        const { means, whiten, logConstant } = mixture;
        twins.langevin(
          Float64Array.from(x),
          expected,
          h,
          d,
          means,
          whiten,
          logConstant,
          K,
          new Float64Array(n),
          new Float64Array(n * d),
          k0,
          k1,
          at.first,
          at.step,
          at.channel,
          0,
          n,
        );
        const worst = worstError(await gpu.read(next), expected);
        expect(worst).toBeLessThan(1e-5);
        arena.release();
      }
    }));

  test("kernelMoveShader: a user's own functions beside ours do not clash, and a failed row is NaN", () =>
    withGpu(async (gpu) => {
      // What a translated kernel looks like; it brings an e_log of its own.
      const code = `var<private> failed: bool;
var<private> result: array<f32, 1>;
fn e_log(v: f32) -> f32 { return constants[0] * v; }
fn result_bits(j: u32) -> u32 { return bitcast<u32>(result[j]); }
fn kernel(at: u32) { failed = x[at] < 0.0; result[0] = e_log(x[at]); }`;
      const constants = Float32Array.of(0.5);
      const arena = gpu.arena();
      const [x, next, held] = [arena.f32(3), arena.f32(3), arena.f32(1)];
      gpu.write(x, Float32Array.of(2, -1, 8));
      gpu.write(held, constants);
      const params = { ...at, keep: 0, drift: 1, scale: 0 };
      gpu.run(
        kernelMoveShader({ code, constants }, 1, 'unit'),
        { x, constants: held, factor: x, next },
        params,
        3,
      );
      expect([...(await gpu.read(next))]).toEqual([1, Number.NaN, 4]);
    }));
});
