import { expect, test } from 'vitest';
import { type Plan, plan } from '../../engine/backend/cost.ts';

const x = new Float64Array(8);
const normal = (count: number, threads: number, grain?: number): Plan =>
  plan('normal', [x, 1, 0, 0, 0, 0, 0], count, threads, grain);

test('plan(): work below half a millisecond stays on one thread, more is for all of them', () => {
  expect(normal(100_000, 8).parts).toBe(1);
  expect(normal(10_000_000, 8).parts).toBe(8);
});

test('plan(): workers that are awake are worth asking for a fraction of that, in smaller pieces', () => {
  const awake = plan('normal', [x, 1, 0, 0, 0, 0, 0], 20_000, 8, undefined, 'awake');
  expect(awake.parts).toBeGreaterThan(2);
  expect(awake.piece).toBeLessThan(2000);
  expect(awake.piece % 64).toBe(0);
  expect(plan('normal', [x, 1, 0, 0, 0, 0, 0], 2000, 8, undefined, 'awake').parts).toBe(1);
});

test('plan(): only work of known cost below the stretch between two turns of the event loop is short', () => {
  expect(normal(100_000, 2).short).toBe(true);
  expect(normal(2_000_000, 2).short).toBe(false);
  expect(plan('sspRound', [x, x, 8, 0, new Uint32Array(8)], 1, 8, 1).short).toBe(false);
});

test('plan(): pieces are whole, at least 1, at most the range, and cover it for any grain', () => {
  for (const count of [0, 1, 7, 1000, 10_000_000]) {
    for (const grain of [undefined, 0.5, 1, 3, 1e9, Infinity]) {
      for (const kernel of ['normal', 'sspRound'] as const) {
        for (const threads of [1, 3]) {
          const { parts, piece } =
            kernel === 'normal'
              ? normal(count, threads, grain)
              : plan(kernel, [x, x, 8, 0, new Uint32Array(8)], count, threads, grain);
          expect(Number.isInteger(piece) && piece >= 1 && piece <= Math.max(1, count)).toBe(true);
          expect(parts >= 1 && parts <= threads).toBe(true);
        }
      }
    }
  }
});

test('plan(): grain Infinity, and a kernel whose cost is not known, mean one call with the whole range', () => {
  expect(normal(10_000_000, 8, Infinity)).toEqual({ parts: 1, piece: 10_000_000, short: false });
  expect(plan('sspRound', [x, x, 8, 0, new Uint32Array(8)], 500, 8, undefined)).toEqual({
    parts: 1,
    piece: 500,
    short: false,
  });
});

test('plan(): a grain is the least a thread gets', () => {
  expect(normal(100, 8, 30).parts).toBe(3);
  expect(normal(100, 8, 1).parts).toBe(8);
});
