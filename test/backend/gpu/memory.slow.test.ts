import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { Shader } from '../../../engine/backend/gpu/types.ts';
import { openGpu } from '../../../engine/backend/gpu.ts';
import { describeGpu, withGpu } from '../../support/gpu.ts';

const fill: Shader<'x', 'a'> = {
  name: 'fill',
  buffers: { x: 'write f32' },
  params: { a: 'f32' },
  per: 'item',
  code: 'fn item(i: u32) { x[i] = p.a; }',
};
const MIB = 2 ** 20;

// What is no longer held and not yet collected is no leak, and how much of it there is depends on the machine's load.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Rounds between two looks at the memory. */
const STRETCH = 10;

/**
 * MiB by which this process grew over 40 rounds of `work`, after 20 others: as much as in the middle one of 4 stretches. What leaks
 * grows in all of them; an allocator that takes room ahead grows in one.
 */
async function growth(work: (round: number) => Promise<void>): Promise<number> {
  const sizes: number[] = [];
  for (let round = 0; round < 60; round++) {
    if (round >= 20 && round % STRETCH === 0) sizes.push(held());
    await work(round);
  }
  sizes.push(held());
  const grown = sizes.slice(1).map((size, i) => (size - sizes[i]!) / MIB);
  console.log(`grown by ${grown.map(Math.round)} MiB in stretches of ${STRETCH} rounds`);
  grown.sort((a, b) => a - b);
  return 4 * ((grown[1]! + grown[2]!) / 2);
}

function held(): number {
  collect();
  return process.memoryUsage.rss();
}

describeGpu('gpu: memory', () => {
  // Each round takes 24 MiB on the card and reads 8 of them: 40 rounds that gave nothing back would grow by 1280 MiB.
  const n = 2 ** 21;

  test('60 cards opened and disposed of leave the memory of the process flat', async () => {
    const grown = await growth(async (round) => {
      const gpu = await openGpu({ allowSoftware: true });
      const arena = gpu.arena();
      const arrays = [arena.f32(n), arena.f32(n), arena.f32(n)];
      for (const x of arrays) gpu.run(fill, { x }, { a: round }, n);
      expect((await gpu.read(arrays[2]!))[n - 1]).toBe(round);
      expect(gpu.used).toBe(12 * n);
      gpu.dispose();
      expect(gpu.used).toBe(0);
    });
    expect(grown).toBeLessThan(100);
  });

  test('60 rounds of arrays, shaders and reads of many sizes on one card leave its memory flat', () =>
    withGpu(async (gpu) => {
      const grown = await growth(async (round) => {
        const arena = gpu.arena();
        const arrays = [arena.f32(n), arena.f32(n), arena.f32(n - 1000 * round)];
        const own = { ...fill, name: `fill ${round}` };
        for (const x of arrays) gpu.run(own, { x }, { a: round }, x.length);
        expect((await gpu.read(arrays[2]!)).at(-1)).toBe(round);
        for (let k = 1; k < 20; k++) await gpu.read(arrays[0]!, 0, 100 * k * k);
        arena.release();
        expect(gpu.used).toBe(0);
      });
      expect(grown).toBeLessThan(100);
    }));
});
