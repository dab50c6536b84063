import { expect, test } from 'vitest';
import { pickFreeze, pickFreezeSource } from '../../../engine/backend/wgsl/pick-freeze.ts';
import { twins } from '../../../engine/wasm/kernels.ts';
import { describeGpu, withGpu } from '../../support/gpu.ts';

/** A; A with columns of B; B with columns of A; C with columns of B; B: words as in the row program of a design. */
const PROGRAM = [0, 0, 0, 0, 1, 1, 2, 1, 0, 2, 0, 1, 2, 1, 3, 0, 1, 2, 1, 1, 0];
const KINDS = 5;

describeGpu('pick-freeze rows on the card', () => {
  test('pickFreeze(): the rows of the host kernel, any number of base points', () =>
    withGpu(async (gpu) => {
      const d = 3;
      const matrices = 3;
      for (const n of [1, 51, 257, 1000]) {
        const apart = Float64Array.from({ length: matrices * n * d }, (_, i) => i + 1);
        const beside = new Float32Array(apart.length);
        for (let m = 0; m < matrices; m++) {
          for (let i = 0; i < n; i++) {
            for (let c = 0; c < d; c++) beside[i * matrices * d + m * d + c] = apart[(m * n + i) * d + c]!;
          }
        }
        const arena = gpu.arena();
        const x = arena.f32(beside.length);
        const source = arena.u32(KINDS * d);
        const rows = arena.f32(n * KINDS * d);
        gpu.write(x, beside);
        gpu.write(source, pickFreezeSource(PROGRAM, KINDS, d));
        gpu.run(pickFreeze, { x, source, rows }, { width: matrices * d, size: KINDS * d }, n * KINDS * d);
        const host = new Float64Array(n * KINDS * d);
        twins.pickFreeze(apart, n * d, Uint32Array.from(PROGRAM), KINDS, d, host, 0, n);
        expect(await gpu.read(rows)).toEqual(Float32Array.from(host));
        arena.release();
      }
    }));
});
