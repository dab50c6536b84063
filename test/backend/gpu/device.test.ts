import { expect, test } from 'vitest';
import type { Shader } from '../../../engine/backend/gpu/types.ts';
import { describeGpu, withGpu } from '../../support/gpu.ts';

const scaled: Shader<'x' | 'y', 'a' | 'shift'> = {
  name: 'scaled',
  buffers: { x: 'read f32', y: 'write f32' },
  params: { a: 'f32', shift: 'u32' },
  per: 'item',
  code: 'fn item(i: u32) { y[i] = p.a * x[i] + f32(p.shift); }',
};

const groupSums: Shader<'x' | 'sums', never> = {
  name: 'groupSums',
  buffers: { x: 'read u32', sums: 'write u32' },
  params: {},
  per: 'group',
  code: `var<workgroup> part: array<u32, LANES>;
fn group(g: u32, lane: u32) {
  part[lane] = x[g * LANES + lane];
  workgroupBarrier();
  for (var step = LANES / 2u; step > 0u; step >>= 1u) {
    if (lane < step) { part[lane] += part[lane + step]; }
    workgroupBarrier();
  }
  if (lane == 0u) { sums[g] = part[0]; }
}`,
};

describeGpu('gpu device', () => {
  test('run(): passes run in the order they were asked for, each with its own parameters', () =>
    withGpu(async (gpu) => {
      const arena = gpu.arena();
      const n = 1000;
      const x = arena.f32(n);
      const y = arena.f32(n);
      gpu.write(
        x,
        Float32Array.from({ length: n }, (_, i) => i),
      );
      // More passes than the ring of parameters has slots.
      for (let k = 0; k < 301; k++)
        gpu.run(scaled, { x: k % 2 === 0 ? x : y, y: k % 2 === 0 ? y : x }, { a: 1, shift: k }, n);
      const found = await gpu.read(y, 10, 2);
      expect([...found]).toEqual([10 + (300 * 301) / 2, 11 + (300 * 301) / 2]);
    }));

  test('run(): work groups see barriers and shared memory', () =>
    withGpu(async (gpu) => {
      const arena = gpu.arena();
      const x = arena.u32(512);
      const sums = arena.u32(2);
      gpu.write(
        x,
        Uint32Array.from({ length: 512 }, (_, i) => i),
      );
      gpu.run(groupSums, { x, sums }, {}, 2);
      expect([...(await gpu.read(sums))]).toEqual([32640, 98176]);
    }));
});
