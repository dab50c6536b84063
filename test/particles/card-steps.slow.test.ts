import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { gpuKernel } from '../../engine/backend/user-kernel.ts';
import { DEAD } from '../../engine/backend/wgsl/reduce.ts';
import { mixtureParameters } from '../../engine/distribution/normal-mixture.ts';
import { cardParticles } from '../../engine/particles/card-particles.ts';
import type { WeightSummary } from '../../engine/particles/log-weight.ts';
import { makeResampler } from '../../engine/particles/resampler.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { describeGpu, withGpu } from '../support/gpu.ts';

const SEED = 20260309;
const backend = jsBackend();

describeGpu('card particles', () => {
  test("cardParticles(): a whole step gives the host's ancestors for the same weights, and all fields follow", () =>
    withGpu(async (gpu) => {
      const n = 3001;
      const rng = rngFromSeed(SEED);
      const eve = { components: 1, type: 'u32' } as const;
      const particles = cardParticles({ gpu, backend, particles: n, dimension: 2, rng, fields: { eve } });
      const own = Uint32Array.from({ length: n }, (_, i) => i);
      gpu.write(particles.fields.field('eve'), own);
      await particles.scatter({ noise: { triangle: [2, 1, 1] }, mean: [1, -1] });
      await particles.walk({ noise: 0.5, keep: 0.9, step: 1 });
      const before = await particles.read();
      const narrow = [
        [0.1, 0],
        [0, 0.2],
      ];
      const target = mixtureParameters({ means: [[0, 0]], covariances: [narrow] });
      await particles.reweight(await particles.logDensity(target));
      expect(particles.ess).toBeLessThan(n / 5);

      const arena = backend.arena();
      const host = makeResampler({ backend, arena, particles: n });
      await host.weigh(particles.logWeight);
      const expected = arena.u32(n);
      await host.draw({ key: rng.key, step: 2 }, expected);

      expect(await gpu.read(await particles.resample(2))).toEqual(expected);
      expect(await gpu.read(particles.fields.field('eve'))).toEqual(expected);
      const after = await particles.read();
      expect(after).toEqual(after.map((_, at) => before[2 * expected[at >> 1]! + (at & 1)]!));
      expect(particles.ess).toBe(n);
      expect(particles.logWeight.every((l) => l === 0)).toBe(true);
    }));

  test('cardParticles(): weights grow in float64 by widened increments, and the normaliser takes what each adds', () =>
    withGpu(async (gpu) => {
      const particles = cardParticles({ gpu, backend, particles: 4, dimension: 1, rng: rngFromSeed(SEED) });
      const increment = gpu.arena().f32(4);
      const add = (values: readonly number[], power?: number): Promise<WeightSummary> => {
        gpu.write(increment, Float32Array.from(values));
        return particles.reweight(increment, power);
      };
      const before = particles.logNormalizer;
      gpu.write(increment, Float32Array.of(1, 2, 2, -Infinity));
      const summary = await particles.summary(increment, 0.5);
      expect(summary.max).toBe(1);
      expect(summary.sum).toBeCloseTo(2 + Math.exp(-0.5), 6);
      gpu.write(increment, Float32Array.of(1, 2, Number.NaN, 0));
      await expect(particles.summary(increment)).rejects.toThrow('the log increment is NaN at particle 2');
      await add([0.1, 0.2, 0.3, -Infinity]);
      await add([1, 2, 3, 4], 0.25);
      const l = [0.1, 0.2, 0.3].map((v, i) => Math.fround(v) + 0.25 * (i + 1));
      expect([...particles.logWeight]).toEqual([...l, -Infinity]);
      const logMean = (v: readonly number[]): number =>
        Math.log(v.reduce((sum, x) => sum + Math.exp(x), 0) / 4);
      expect(particles.logNormalizer).toBeCloseTo(logMean(l), 13);
      expect(before).toBe(0);
      await particles.resample(1);
      await add([-0.5, -0.5, -0.5, DEAD]);
      expect(particles.logNormalizer).toBeCloseTo(logMean(l) - 0.5 + Math.log(3 / 4), 13);
      expect(particles.ess).toBe(3);
      await expect(add([0, Number.NaN, 0, 0])).rejects.toThrow(
        'reweight: the log increment is NaN at particle 1',
      );
      await expect(add([0, 0, Infinity, 0])).rejects.toThrow('the log increment is Infinity at particle 2');
      expect(particles.ess).toBe(3);
      await add([DEAD, DEAD, DEAD, 0]);
      expect([particles.logNormalizer, particles.ess]).toEqual([-Infinity, 0]);
      await expect(particles.resample(2)).rejects.toThrow('all 4 log-weights are -Infinity');
    }));

  test('cardParticles(): a kernel in JavaScript and the mixture it writes down move and weigh alike', () =>
    withGpu(async (gpu) => {
      // The score and the log density of N((1, -2), diag(4, 1)).
      const written = gpuKernel(
        function (this: { constants: { half: number } }, x) {
          const a = (x[0]! - 1) / 4;
          const b = x[1]! + 2;
          const log = -this.constants.half * ((x[0]! - 1) * a + b * b) - 2.5310242469692907;
          return [-a, -b, log];
        },
        { dims: 2, constants: { half: 0.5 } },
      );
      const covariance = [
        [4, 0],
        [0, 1],
      ];
      const mixture = mixtureParameters({ means: [[1, -2]], covariances: [covariance] });
      const [a, b] = await Promise.all(
        [written, mixture].map(async (target) => {
          const particles = cardParticles({
            gpu,
            backend,
            particles: 500,
            dimension: 2,
            rng: rngFromSeed(SEED),
          });
          await particles.scatter({ noise: { diagonal: [1, 2] } });
          await particles.langevin({ target, stepSize: 0.3, step: 1 });
          const accepted = await particles.metropolis({ target, stepSize: 0.5, step: 2, moves: 3 });
          await particles.reweight(await particles.logDensity(target));
          const x = await particles.read();
          return { accepted, x, logWeight: particles.logWeight.slice() };
        }),
      );
      expect(a!.accepted).toBe(b!.accepted);
      expect(a!.accepted).toBeGreaterThan(0.7);
      expect(Math.max(...a!.x.map((v, i) => Math.abs(v - b!.x[i]!)))).toBeLessThan(1e-4);
      expect(Math.max(...a!.logWeight.map((v, i) => Math.abs(v - b!.logWeight[i]!)))).toBeLessThan(1e-4);
    }));

  test('cardParticles(): what does not fit is refused by name, and nothing is left on the card', () =>
    withGpu(async (gpu) => {
      const rest = { gpu, backend, rng: rngFromSeed(SEED) };
      const none = gpu.used;
      const particles = cardParticles({ ...rest, particles: 3, dimension: 2 });
      const line = mixtureParameters({ means: [[0]], covariances: [[[1]]] });
      const nan = gpuKernel((x) => Math.log(x[0]!) + x[1]!, { dims: 2 });
      expect(() => cardParticles({ ...rest, particles: 0, dimension: 1 })).toThrow('option `particles` is 0');
      expect(() => particles.place(new Float32Array(5))).toThrow(
        '`points` has 5 numbers; expected 6, 2 for each',
      );
      await expect(particles.logDensity(line)).rejects.toThrow('a function of 1 numbers; expected one of 2');
      await expect(particles.langevin({ target: nan, stepSize: 1, step: 0 })).rejects.toThrow(
        'langevin: a kernel with 1 outputs; expected 2 or 3 outputs (map)',
      );
      await expect(particles.walk({ noise: { diagonal: [1] }, step: 0 })).rejects.toThrow(
        'walk: `noise.diagonal` has 1 numbers; expected 2 finite numbers',
      );
      particles.place(Float32Array.of(1, 1, -1, 1, 2, 2));
      await expect(particles.reweight(await particles.logDensity(nan))).rejects.toThrow('NaN at particle 1');
      await expect(particles.metropolis({ target: nan, noise: 1, step: 0 })).rejects.toThrow(
        'metropolis: the log density is NaN or +Infinity where particle',
      );
      await expect(particles.metropolis({ target: nan, noise: 1, stepSize: 1, step: 0 })).rejects.toThrow(
        'there are both `noise` and `stepSize`',
      );
      await expect(particles.langevin({ target: line, stepSize: 0, step: 0 })).rejects.toThrow(
        'langevin: option `stepSize` is 0; expected a number > 0',
      );
      particles.release();
      particles.release();
      const huge = 2 ** 30;
      expect(() => cardParticles({ ...rest, particles: 1000, dimension: huge })).toThrow('the largest array');
      expect(gpu.used).toBe(none);
    }));
});
