import { expect, test } from 'vitest';
import { makeScan } from '../../../engine/backend/wgsl/scan.ts';
import { describeGpu, withGpu } from '../../support/gpu.ts';

describeGpu('scan', () => {
  test("makeScan(): sums three levels deep equal the host's", () =>
    withGpu(async (gpu) => {
      const n = 2048 * 2048 + 3;
      // Small totals with a carry in every block: 2^32 - 1 here and there, 1 elsewhere.
      const q = new Uint32Array(2 * n);
      for (let i = 0; i < n; i++) q[2 * i] = i % 1000 === 7 ? 0xffffffff : 1;
      const arena = gpu.arena();
      const input = arena.u32(2 * n);
      const output = arena.u32(2 * n);
      gpu.write(input, q);
      makeScan(gpu, arena, n, 'limbs').run(input, output);
      const found = await gpu.read(output);
      let total = 0;
      let wrong = 0;
      for (let i = 0; i < n; i++) {
        total += q[2 * i]!;
        if (found[2 * i]! + 4294967296 * found[2 * i + 1]! !== total) wrong++;
      }
      expect(wrong).toBe(0);
    }));
});
