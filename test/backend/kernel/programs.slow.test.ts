import { transform } from 'esbuild';
import { expect, test } from 'vitest';
import { type GpuKernel, gpuKernel } from '../../../engine/index.ts';
import { describeGpu, withGpu } from '../../support/gpu.ts';
import { onCard, onHost } from '../../support/kernel.ts';
import { PROGRAM_FUNCTIONS, randomProgram } from './programs.ts';

const PROGRAMS = 40;
const POINTS = Array.from({ length: 64 }, (_, i) => [
  (((i * 7) % 64) - 32) / 4,
  (((i * 13) % 50) - 25) / 4,
  (((i * 29) % 61) - 30) / 4,
]);

function kernelOf(text: string): GpuKernel {
  const constants = {
    n: 5,
    t: [
      [0.5, 2],
      [-1, 3],
    ],
  };
  return gpuKernel(text, { dims: 3, functions: PROGRAM_FUNCTIONS, constants });
}

/** What a minifier makes of a function. */
async function minified(text: string): Promise<string> {
  const { code } = await transform(`export const k = ${text};`, { minify: true, format: 'esm' });
  return code.replace(/^[\s\S]*?const \w+=/, '').replace(/;export\s*\{[^}]*\};?\s*$/, '');
}

const SEEDS = Array.from({ length: PROGRAMS }, (_, i) => i + 1);

/** Zeros may differ in their sign. */
function plain(values: ArrayLike<number>): number[] {
  return Array.from(values, (y) => Math.fround(y) + 0);
}

describeGpu('random programs', () => {
  test('a random program gives on the card what it gives on the host, to the last bit', async () => {
    await withGpu(async (gpu) => {
      for (const seed of SEEDS) {
        const text = randomProgram(seed);
        const kernel = kernelOf(text);
        const found = await onCard(gpu, kernel, POINTS);
        expect(plain(found), `program ${seed}\n${text}`).toEqual(plain(onHost(kernel, POINTS)));
      }
    });
  });

  test('minified, it is refused or gives the same, and most are not refused', async () => {
    let refused = 0;
    await withGpu(async (gpu) => {
      for (const seed of SEEDS) {
        const text = randomProgram(seed);
        const small = await minified(text);
        try {
          kernelOf(small);
        } catch {
          refused++;
          continue;
        }
        const found = await onCard(gpu, kernelOf(small), POINTS);
        const wanted = plain(onHost(kernelOf(text), POINTS));
        expect(plain(found), `program ${seed}\n${small}`).toEqual(wanted);
      }
    });
    // Refused are comparisons that nothing reads, which only dead code has.
    expect(refused).toBeLessThan(0.3 * PROGRAMS);
  });
});
