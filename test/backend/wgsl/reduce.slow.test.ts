import { expect, test } from 'vitest';
import { type CardSummary, DEAD, makeReduce } from '../../../engine/backend/wgsl/reduce.ts';
import { essOf, logSumOf, summarise } from '../../../engine/particles/log-weight.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { describeGpu, withGpu } from '../../support/gpu.ts';

const SEED = 20260305;

describeGpu('reduce', () => {
  // Measured 5.5e-7: exponentials 1e-7, sums of 16 in float32, and three factors that rescale.
  test('makeReduce(): maximum exact, log of the sum and effective size to 2e-6, at every count and offset', () =>
    withGpu(async (gpu) => {
      const stream = rngFromSeed(SEED).stream({ purpose: 40 });
      let worst = 0;
      for (const n of [1, 255, 257, 4095, 4096, 4097, 70_001]) {
        for (const [offset, spread] of [
          [0, 1],
          [-3000, 5],
          [800, 40],
          [0, 1e4],
        ] as const) {
          const values = Float32Array.from({ length: n }, (_, i) =>
            i % 7 === 3 ? -Infinity : offset + spread * stream.normal(),
          );
          const arena = gpu.arena();
          const logWeight = arena.f32(n);
          gpu.write(logWeight, values);
          const reduce = makeReduce(gpu, arena, n);
          const found = await reduce.run(logWeight);
          const host = summarise('test', Float64Array.from(values), new Float64Array(n));
          const cool = summarise(
            'test',
            Float64Array.from(values, (l) => 0.25 * l),
            new Float64Array(n),
          );
          const tempered = await reduce.run(logWeight, 0.25);
          worst = Math.max(worst, Math.abs(logSumOf(tempered) - logSumOf(cool)));
          expect(found.max).toBe(host.max);
          expect(found.bad).toBe(undefined);
          arena.release();
          worst = Math.max(
            worst,
            Math.abs(logSumOf(found) - logSumOf(host)),
            Math.abs(essOf(found) / essOf(host) - 1),
          );
        }
      }
      expect(worst).toBeLessThan(2e-6);
    }));

  test('makeReduce(): dead weights count for nothing, and the first NaN or +Infinity is named by its index', () =>
    withGpu(async (gpu) => {
      const values = Float32Array.from({ length: 10_000 }, (_, i) => (i % 2 === 0 ? -Infinity : DEAD));
      const arena = gpu.arena();
      const logWeight = arena.f32(values.length);
      const reduce = makeReduce(gpu, arena, values.length);
      const summary = (index: number, value: number): Promise<CardSummary> => {
        values[index] = value;
        gpu.write(logWeight, values);
        return reduce.run(logWeight);
      };
      expect(await summary(0, -Infinity)).toEqual({ max: -Infinity, sum: 0, squares: 0, bad: undefined });
      expect(await summary(9999, -7)).toEqual({ max: -7, sum: 1, squares: 1, bad: undefined });
      expect((await summary(9000, Number.NaN)).bad).toBe(9000);
      expect((await summary(5001, Infinity)).bad).toBe(5001);
      // A negative NaN with a payload, as arithmetic on a card may leave it.
      new Uint32Array(values.buffer)[17] = 0xffc00001;
      expect((await summary(0, -1)).bad).toBe(17);
    }));
});
