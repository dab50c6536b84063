import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { gpuKernel } from '../../engine/backend/user-kernel.ts';
import { cardParticles } from '../../engine/particles/card-particles.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { describeGpu, withGpu } from '../support/gpu.ts';

const [N, D, M] = [50, 2, 3];
const rng = rngFromSeed(20261126);

/** x, x, z, z, z, t */
const map = gpuKernel((at) => [0.5 * at[0]! + at[2]! * at[4]! + 0.25 * at[5]!, Math.sqrt(at[1]!) - at[3]!], {
  dims: 6,
  name: 'map',
});
const start = gpuKernel((z) => [z[0]! - z[2]!, 4 + z[1]! * z[1]!], { dims: 3, name: 'start' });
/** x, x, y */
const fit = gpuKernel((at) => (at[2]! > 100 ? -Infinity : at[0]! + 2 * at[1]! + 3 * at[2]!), {
  dims: 3,
  name: 'fit',
});

function normalsAt(purpose: number, step: number, particle: number): number[] {
  const stream = rng.stream({ purpose, step, particle });
  return Array.from({ length: M }, () => stream.normal());
}

describeGpu('functions that see more than the particle', () => {
  test('draw and potential are the function at (x, z, t) and (x, y); where it fails there is NaN, and stays', () =>
    withGpu(async (gpu) => {
      const particles = cardParticles({ gpu, backend: jsBackend(), particles: N, dimension: D, rng });
      const near = (found: Float32Array, wanted: (i: number) => readonly number[]): void =>
        found.forEach((value, at) => {
          const exact = wanted(Math.floor(at / D))[at % D]!;
          if (!(Number.isNaN(value) && Number.isNaN(exact)))
            expect(Math.abs(value - exact)).toBeLessThan(2e-5);
        });
      await particles.draw({ by: start, normals: M, step: 0, purpose: 'init' });
      const before = await particles.read();
      near(before, (i) => start.evaluate(Float64Array.from(normalsAt(PURPOSE.init, 0, i))) as number[]);
      before[1] = -1;
      particles.place(before);
      await particles.draw({ by: map, normals: M, step: 7 });
      const after = await particles.read();
      const z = (i: number): number[] => normalsAt(PURPOSE.mutation, 7, i);
      const moved = (i: number): number[] => [...before.subarray(D * i, D * i + D), ...z(i), 7];
      near(after.slice(D), (i) => map.evaluate(Float64Array.from(moved(i + 1))) as number[]);
      expect([...after.subarray(0, D)]).toEqual([Number.NaN, Number.NaN]);
      const density = await gpu.read(await particles.potential({ by: fit, inputs: [0.5], step: 7 }));
      expect(density[0]).toBeNaN();
      for (let i = 1; i < N; i++)
        expect(density[i]).toBeCloseTo(after[D * i]! + 2 * after[D * i + 1]! + 1.5, 4);
      const none = await gpu.read(await particles.potential({ by: fit, inputs: [101], step: 7 }));
      expect([...none.subarray(1)].every((l) => l === -Infinity)).toBe(true);
      await expect(particles.draw({ by: fit, normals: M, step: 1 })).rejects.toThrow(
        'draw: `fit` takes 3 numbers and returns 1; expected a function of 5 numbers, or 6 with the step, that returns 2',
      );
      await expect(particles.potential({ by: map, inputs: [1], step: 1 })).rejects.toThrow('returns 1');
      particles.release();
    }));

  test('weights may be written and weighed, and the dead stay dead whatever their increment', () =>
    withGpu(async (gpu) => {
      const particles = cardParticles({ gpu, backend: jsBackend(), particles: 4, dimension: 1, rng });
      particles.logWeight.set([0, Math.log(2), -Infinity, Math.log(3)]);
      const { sum } = await particles.weigh();
      expect(sum).toBeCloseTo(2, 14);
      expect(particles.logNormalizer).toBe(0);
      await particles.reweight(Float64Array.of(1, 1, Number.NaN, 1));
      expect(particles.logWeight[2]).toBe(-Infinity);
      expect(particles.logNormalizer).toBeCloseTo(1, 14);
      expect([...particles.weight].map((w) => w.toFixed(4))).toEqual([
        '0.3333',
        '0.6667',
        '0.0000',
        '1.0000',
      ]);
      await expect(particles.reweight(Float64Array.of(1, Infinity, 0, 0))).rejects.toThrow(
        'Infinity at particle 1',
      );
      particles.release();
    }));
});
