import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { gpuKernel } from '../../engine/backend/user-kernel.ts';
import { ValueError } from '../../engine/errors.ts';
import { openLogDensity } from '../../engine/model/log-density.ts';
import { describeGpu, withGpu } from '../support/gpu.ts';

describeGpu('a log density on a card', () => {
  test('gives value and score in float32, -Infinity where there is no mass, and names a NaN', () =>
    withGpu(async (gpu) => {
      const source = gpuKernel((x) => [-1 / x[0]!, x[0]! < 4 ? -Math.log(x[0]!) : Math.sqrt(4 - x[0]!)], {
        dims: 1,
        outputs: 2,
      });
      const backend = { ...jsBackend(), card: async () => ({ gpu }) };
      const signal = new AbortController().signal;
      const density = await openLogDensity({
        where: 'test',
        source,
        dimension: 1,
        planned: 3,
        backend,
        signal,
      });
      const out = new Float64Array(2);
      const gradient = new Float64Array(2);
      await density.evaluate(Float64Array.of(2, 0.5), 2, out, gradient);
      expect(density.place.card).toBeDefined();
      expect([...gradient]).toEqual([-0.5, -2]);
      expect(out[0]).toBeCloseTo(-Math.LN2, 6);
      expect(out[1]).toBeCloseTo(Math.LN2, 6);
      await expect(density.evaluate(Float64Array.of(1, 5), 2, out)).rejects.toThrow(ValueError);
      await expect(density.evaluate(Float64Array.of(1, 5), 2, out)).rejects.toThrow(
        /is NaN at point 1 \(x1 = 5\)/,
      );
      density.dispose();
      const empty = gpuKernel((x) => (x[0]! < 0 ? -Infinity : Math.log(x[0]!)), { dims: 1 });
      const cut = await openLogDensity({
        where: 'test',
        source: empty,
        dimension: 1,
        planned: 3,
        backend,
        signal,
      });
      await cut.evaluate(Float64Array.of(1, -1), 2, out);
      expect([...out]).toEqual([0, -Infinity]);
      cut.dispose();
      expect(gpu.used).toBe(0);
    }));
});
