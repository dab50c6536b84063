import { expect, test } from 'vitest';
import type { Gpu } from '../../../engine/backend/gpu/types.ts';
import { SOBOL_RUN, sobolWords, turnedDirections } from '../../../engine/backend/wgsl/sobol.ts';
import { sobolInputs } from '../../../engine/backend/wgsl/sobol-inputs.ts';
import { cardLaws } from '../../../engine/distribution/card-laws.ts';
import { exponential } from '../../../engine/distribution/exponential.ts';
import { gumbel } from '../../../engine/distribution/gumbel.ts';
import type { Law } from '../../../engine/distribution/law.ts';
import { logNormal, logNormalFromMean } from '../../../engine/distribution/log-normal.ts';
import { logUniform } from '../../../engine/distribution/log-uniform.ts';
import { normal } from '../../../engine/distribution/normal.ts';
import { pareto } from '../../../engine/distribution/pareto.ts';
import { triangular } from '../../../engine/distribution/triangular.ts';
import { truncated } from '../../../engine/distribution/truncated.ts';
import { uniform } from '../../../engine/distribution/uniform.ts';
import { weibull } from '../../../engine/distribution/weibull.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { type SobolScramble, type SobolSequence, sobolSequence } from '../../../engine/random/sobol.ts';
import { twins } from '../../../engine/wasm/kernels.ts';
import { describeGpu, withGpu } from '../../support/gpu.ts';

const rng = rngFromSeed(20_081);

async function wordsOnCard(
  gpu: Gpu,
  sequence: SobolSequence,
  first: number,
  n: number,
): Promise<Uint32Array> {
  const { dimension: width, mode } = sequence;
  const arena = gpu.arena();
  const directions = arena.u32(32 * width);
  const scramble = arena.u32(4 * width);
  const words = arena.u32(n * width);
  gpu.write(directions, turnedDirections(sequence.directions));
  gpu.write(scramble, sequence.words);
  const items = Math.ceil(n / SOBOL_RUN) * width;
  gpu.run(sobolWords, { directions, scramble, words }, { width, mode, first, n }, items);
  const found = await gpu.read(words);
  arena.release();
  return found;
}

function wordsOnHost(sequence: SobolSequence, first: number, n: number): Uint32Array {
  const out = new Uint32Array(n * sequence.dimension);
  twins.sobolWords(sequence.directions, sequence.words, sequence.mode, sequence.dimension, out, first, 0, n);
  return out;
}

describeGpu("Sobol' points on the card", () => {
  test('sobolWords(): the host integers, bit for bit, in every mode, from any index to the last', () =>
    withGpu(async (gpu) => {
      for (const scramble of ['owen', 'lms', 'shift', 'none'] as const satisfies readonly SobolScramble[]) {
        for (const [dimension, first, n] of [
          [1, 0, 1],
          [3, 5, 255],
          [7, 1_000_003, 257],
          [300, 1, 33],
          [2, 2 ** 32 - 100, 100],
        ] as const) {
          const sequence = await sobolSequence({ dimension, rng, replicate: 2, scramble });
          const found = await wordsOnCard(gpu, sequence, first, n);
          expect(found, `${scramble} ${dimension} ${first}`).toEqual(wordsOnHost(sequence, first, n));
        }
      }
    }));

  test('sobolInputs(): the quantiles of the host at the same 32-bit points, within 1e-6 of the spread or the value', () =>
    withGpu(async (gpu) => {
      const laws: readonly Law[] = [
        uniform(-Math.PI, Math.PI),
        uniform(49, 51),
        normal(0, 1),
        normal(30, 7.5),
        logNormal(7, 0.5),
        logNormalFromMean(1, 2),
        exponential(0.25),
        gumbel(1013, 558),
        triangular(49, 50, 51),
        triangular(0, 0, 1),
        triangular(-2, 3, 3),
        logUniform(1e-3, 1e4),
        weibull(1.5, 2, 1),
        weibull(0.7, 3),
        pareto(3, 2),
        truncated(normal(30, 8), 15),
        truncated(gumbel(1013, 558), 500, 3000),
        truncated(normal(0, 1), 4, 6),
        truncated(exponential(1), 1, 1.5),
      ];
      const table = cardLaws(laws);
      expect(table).toBeDefined();
      const dimension = laws.length;
      const n = 8_000;
      const sequence = await sobolSequence({ dimension, rng, scramble: 'none' });
      // Words at 0, at the greatest, on both sides of the middle, and with all bits in use.
      for (const shift of [0, 0xffffffff, 0x7fffffff, 0x9e3779b9]) {
        const words = new Uint32Array(4 * dimension).fill(shift);
        const shifted = { ...sequence, words, mode: 2 };
        const inputs = sobolInputs(gpu, { ...shifted, laws: table! });
        const out = gpu.arena().f32(n * dimension);
        inputs.fill(out, 0, n);
        const found = await gpu.read(out);
        inputs.release();
        const points = wordsOnHost(shifted, 0, n);
        for (const [c, law] of laws.entries()) {
          const spread = law.quantile(0.84) - law.quantile(0.16);
          let worst = 0;
          for (let i = 0; i < n; i++) {
            const at = i * dimension + c;
            const exact = law.quantile((points[at]! + 0.5) * 2 ** -32);
            worst = Math.max(worst, Math.abs(found[at]! - exact) / Math.max(spread, Math.abs(exact)));
          }
          // The error of a standard normal, 1e-6 at 6.2, grows by sigma in the exponent.
          const tolerance = 1e-6 * Math.max(1, Number(law.parameters.sigma ?? 1));
          expect.soft(worst, law.describe()).toBeLessThan(tolerance);
        }
      }
    }));
});
