import { expect, test } from 'vitest';
import { outputRanges } from '../../../engine/backend/wgsl/output-ranges.ts';
import { describeGpu, withGpu } from '../../support/gpu.ts';

const BLOCK = 1024;

/** The same on the host, in the order of the shader's groups. */
function expectedRanges(y: Float32Array, blocks: number, rows: number, outputs: number) {
  const ranges = new Float32Array(4 * blocks * outputs);
  const failed = new Uint32Array(blocks * outputs);
  for (let g = 0; g < failed.length; g++) {
    const [block, output] = [Math.floor(g / outputs), g % outputs];
    const of = (wanted: (row: number) => boolean): number[] => {
      const values: number[] = [];
      for (let point = block * BLOCK; point < (block + 1) * BLOCK; point++) {
        for (let row = 0; row < rows; row++) {
          if (wanted(row)) values.push(y[(point * rows + row) * outputs + output]!);
        }
      }
      return values;
    };
    const all = of(() => true);
    const ends = of((row) => row === 0 || row === rows - 1).filter(Number.isFinite);
    const finite = all.filter(Number.isFinite);
    failed[g] = all.length - finite.length;
    ranges.set([Math.min(...ends), Math.max(...ends), Math.min(...finite), Math.max(...finite)], 4 * g);
  }
  return { ranges, failed };
}

describeGpu('outputRanges', () => {
  test.each([
    [1, 2, 1],
    [3, 5, 2],
    [2, 10, 3],
  ])(
    '%i blocks of %i rows and %i outputs: ranges and failures are those of the host',
    (blocks, rows, outputs) =>
      withGpu(async (gpu) => {
        const y = Float32Array.from({ length: blocks * BLOCK * rows * outputs }, (_, i) => {
          if (i % 971 === 5) return Number.NaN;
          if (i % 1777 === 3) return i % 2 === 0 ? Infinity : -Infinity;
          return Math.sin(i * i) * (i % 7) - 3;
        });
        const arena = gpu.arena();
        const there = arena.f32(y.length);
        const ranges = arena.f32(4 * blocks * outputs);
        const failed = arena.u32(blocks * outputs);
        gpu.write(there, y);
        gpu.run(outputRanges, { y: there, ranges, failed }, { rows, outputs }, blocks * outputs);
        const expected = expectedRanges(y, blocks, rows, outputs);
        expect(await gpu.read(ranges)).toEqual(expected.ranges);
        expect(await gpu.read(failed)).toEqual(expected.failed);
      }),
  );
});
