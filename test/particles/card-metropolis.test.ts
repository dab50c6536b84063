import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { gpuKernel } from '../../engine/backend/user-kernel.ts';
import { cardParticles } from '../../engine/particles/card-particles.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { describeGpu, withGpu } from '../support/gpu.ts';

const rng = rngFromSeed(20260310);
const target = gpuKernel((x) => -0.5 * x[0]! * x[0]!, { dims: 1, name: 'bell' });
const [N, STEP, NOISE] = [500, 7, 2];

/** Random-walk moves of a standard normal law on the host, the draws of move m at the sub-addresses that are given. */
function onHost(subs: readonly { readonly proposal: number; readonly acceptance: number }[]): Float64Array {
  return Float64Array.from({ length: N }, (_, particle) => {
    let x = 0.5;
    for (const { proposal, acceptance } of subs) {
      const at = { step: STEP, particle };
      const y = x + NOISE * rng.stream({ ...at, purpose: PURPOSE.proposal, sub: proposal }).normal();
      const u = rng.stream({ ...at, purpose: PURPOSE.acceptance, sub: acceptance }).uniform();
      if (Math.log(u) < 0.5 * (x * x - y * y)) x = y;
    }
    return x;
  });
}

/** Particles that are elsewhere. */
function apart(there: Float32Array, here: Float64Array): number {
  return here.filter((x, i) => !(Math.abs(x - there[i]!) < 1e-4)).length;
}

describeGpu('moves with rejection on a card', () => {
  test('metropolis(): move m has proposals and decisions of its own, those at sub + m', () =>
    withGpu(async (gpu) => {
      const particles = cardParticles({ gpu, backend: jsBackend(), particles: N, dimension: 1, rng });
      const moved = async (...calls: readonly { moves: number; sub?: number }[]): Promise<Float32Array> => {
        particles.place(new Float32Array(N).fill(0.5));
        for (const call of calls) await particles.metropolis({ target, step: STEP, noise: NOISE, ...call });
        return particles.read();
      };
      const three = [0, 1, 2].map((sub) => ({ proposal: sub, acceptance: sub }));
      const there = await moved({ moves: 3 });
      // A decision may differ where log u and the ratio agree to seven digits.
      expect(apart(there, onHost(three))).toBeLessThanOrEqual(1);
      // Draws taken twice are seen, either of them.
      expect(apart(there, onHost(three.map((at) => ({ ...at, proposal: 0 }))))).toBeGreaterThan(N / 4);
      expect(apart(there, onHost(three.map((at) => ({ ...at, acceptance: 0 }))))).toBeGreaterThan(N / 20);
      // Two calls at one step that count on.
      expect(await moved({ moves: 2 }, { moves: 1, sub: 2 })).toEqual(there);
      expect(await moved({ moves: 2 }, { moves: 1 })).not.toEqual(there);
      particles.release();
    }));

  test('what is no number of moves or no power is refused, and the weights are as before', () =>
    withGpu(async (gpu) => {
      const particles = cardParticles({ gpu, backend: jsBackend(), particles: 3, dimension: 1, rng });
      for (const moves of [0, -1, 1.5, Number.NaN])
        await expect(particles.metropolis({ target, step: 0, noise: 1, moves })).rejects.toThrow(
          'metropolis: option `moves` is',
        );
      await expect(particles.metropolis({ target, step: 0, noise: 1, sub: -1 })).rejects.toThrow(
        'metropolis: option `sub` is -1',
      );
      const density = await particles.logDensity(target);
      for (const power of [-1, Number.NaN, Infinity]) {
        await expect(particles.reweight(density, power)).rejects.toThrow('reweight: option `power` is');
        await expect(particles.summary(density, power)).rejects.toThrow('summary: option `power` is');
      }
      expect([...particles.logWeight]).toEqual([0, 0, 0]);
      particles.release();
    }));
});
