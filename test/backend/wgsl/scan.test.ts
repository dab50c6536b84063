import { expect, test } from 'vitest';
import { fromLimbs, toLimbs } from '../../../engine/backend/wgsl/limbs.ts';
import { makeScan } from '../../../engine/backend/wgsl/scan.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { twins } from '../../../engine/wasm/kernels.ts';
import { blockCount } from '../../../engine/wasm/twins/sums.ts';
import { exclusiveOffsets } from '../../../engine/wasm/twins/weights.ts';
import { describeGpu, withGpu } from '../../support/gpu.ts';

const SEED = 20260301;

/** The host's scan of weights made integers. */
function hostScan(weight: Float64Array): { q: Float64Array; cumulative: Float64Array; total: number } {
  const n = weight.length;
  const blocks = blockCount(n);
  const [q, cumulative, partial] = [new Float64Array(n), new Float64Array(n), new Float64Array(blocks)];
  const sum = weight.reduce((total, w) => total + w, 0);
  twins.quantiseBlocks(weight, n, sum, q, partial, 0, blocks);
  const total = exclusiveOffsets(partial, blocks);
  twins.scanBlocks(q, n, partial, cumulative, 0, blocks);
  return { q, cumulative, total };
}

describeGpu('scan', () => {
  test("makeScan(): sums equal the host's, one and two levels deep, from limbs and from float64", () =>
    withGpu(async (gpu) => {
      for (const n of [1, 7, 8, 255, 257, 2047, 2048, 2049, 10_000]) {
        const stream = rngFromSeed(SEED).stream({ purpose: 40, particle: n });
        const weight = Float64Array.from({ length: n }, () => Math.max(0, stream.uniform() - 0.3) ** 20);
        if (n < 5) weight.fill(1);
        const { q, cumulative } = hostScan(weight);
        const arena = gpu.arena();
        const input = arena.u32(2 * n);
        const output = arena.u32(2 * n);
        for (const form of ['limbs', 'float64'] as const) {
          gpu.write(input, form === 'limbs' ? toLimbs(q) : new Uint32Array(q.buffer));
          makeScan(gpu, arena, n, form).run(input, output);
          const found = fromLimbs(await gpu.read(output));
          expect(found.findIndex((sum, i) => sum !== cumulative[i])).toBe(-1);
        }
        arena.release();
      }
    }));

  test('makeScan(): sums reach 2^53 without a carry lost, and 2^52 in one element', () =>
    withGpu(async (gpu) => {
      const q = Float64Array.of(2 ** 52, 0, 2 ** 32 - 1, 1, 2 ** 52 - 2 ** 32, 0);
      const arena = gpu.arena();
      const input = arena.u32(12);
      const output = arena.u32(12);
      gpu.write(input, new Uint32Array(q.buffer));
      makeScan(gpu, arena, 6, 'float64').run(input, output);
      expect([...fromLimbs(await gpu.read(output))]).toEqual([
        2 ** 52,
        2 ** 52,
        2 ** 52 + 2 ** 32 - 1,
        2 ** 52 + 2 ** 32,
        2 ** 53,
        2 ** 53,
      ]);
    }));
});
