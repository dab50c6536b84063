import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { gpuKernel } from '../../engine/backend/user-kernel.ts';
import { cardParticles } from '../../engine/particles/card-particles.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { describeGpu, withGpu } from '../support/gpu.ts';

const rng = rngFromSeed(20260311);
const [N, STEP] = [300, 5];
const f = gpuKernel((x) => [1 - x[0]!, x[0]! - 2 * x[1]!], { dims: 2, name: 'f' });

/** x and f at a particle, and its normals at an address, to where it moves. */
type Rule = (x: readonly number[], f: readonly number[], z: readonly number[]) => readonly number[];

function onHost(
  before: Float32Array,
  rule: Rule,
  address: { purpose?: number; step?: number; sub?: number },
) {
  const moved = new Float64Array(before.length);
  for (let particle = 0; particle < N; particle++) {
    const x = before.subarray(2 * particle, 2 * particle + 2);
    const at = rng.stream({ purpose: PURPOSE.mutation, step: STEP, particle, ...address });
    const z = [at.normal(), at.normal()];
    moved.set(rule([...x], f.evaluate(Float64Array.from(x)) as number[], z), 2 * particle);
  }
  return moved;
}

describeGpu('moves of all particles of a card', () => {
  test('each is its formula, with the draws of its address', () =>
    withGpu(async (gpu) => {
      const particles = cardParticles({ gpu, backend: jsBackend(), particles: N, dimension: 2, rng });
      let before = new Float32Array(2 * N);
      const expectMoved = async (rule: Rule, address: Parameters<typeof onHost>[2] = {}): Promise<void> => {
        const after = await particles.read();
        const expected = onHost(before, rule, address);
        expect(Math.max(...expected.map((v, i) => Math.abs(v - after[i]!)))).toBeLessThan(1e-4);
        before = after;
      };
      await particles.scatter({ noise: { triangle: [2, 1, 0.5] }, mean: [1, -1] });
      await expectMoved((_, __, [a, b]) => [1 + 2 * a!, -1 + a! + 0.5 * b!], {
        purpose: PURPOSE.init,
        step: 0,
      });
      await particles.walk({ noise: { diagonal: [0.3, 0.6] }, keep: 0.8, step: STEP });
      await expectMoved(([x, y], _, [a, b]) => [0.8 * x! + 0.3 * a!, 0.8 * y! + 0.6 * b!]);
      await particles.transition({ map: f, noise: 0.2, step: STEP, sub: 1 });
      await expectMoved((_, [p, q], [a, b]) => [p! + 0.2 * a!, q! + 0.2 * b!], { sub: 1 });
      await particles.langevin({ target: f, stepSize: 0.09, step: STEP, sub: 2 });
      await expectMoved(
        ([x, y], [p, q], [a, b]) => [x! + 0.045 * p! + 0.3 * a!, y! + 0.045 * q! + 0.3 * b!],
        {
          sub: 2,
        },
      );
      particles.release();
    }));
});
