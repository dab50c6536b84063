import { expect, test } from 'vitest';
import { gatherRows } from '../../../engine/backend/wgsl/gather.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { twins } from '../../../engine/wasm/kernels.ts';
import { describeGpu, withGpu } from '../../support/gpu.ts';

const SEED = 20260304;

describeGpu('gather', () => {
  test("gatherRows: rows equal the host's word for word, NaN and infinities included, for any n, m and d", () =>
    withGpu(async (gpu) => {
      const stream = rngFromSeed(SEED).stream({ purpose: 40 });
      for (const [n, m, d] of [
        [1, 1, 1],
        [1, 255, 3],
        [257, 257, 2],
        [1000, 77, 5],
        [999, 1001, 1],
        [33, 70, 100],
      ] as const) {
        const x = Uint32Array.from({ length: n * d }, () => stream.below(2 ** 32));
        x[0] = 0x7fc12345;
        x[x.length - 1] = 0xff800000;
        const parents = Uint32Array.from({ length: m }, () => stream.below(n));
        const arena = gpu.arena();
        const [source, rows, ancestor] = [arena.f32(n * d), arena.f32(m * d), arena.u32(m)];
        gpu.write(source, new Float32Array(x.buffer));
        gpu.write(ancestor, parents);
        gpu.run(gatherRows, { source, ancestor, rows }, { d }, m * d);
        const expected = new Uint32Array(m * d);
        twins.gatherWords(x, expected, parents, d, 0, m);
        expect(new Uint32Array((await gpu.read(rows)).buffer)).toEqual(expected);
        arena.release();
      }
    }));
});
