import { expect, test } from 'vitest';
import { exp, log } from '../../engine/wasm/twins/elementary.ts';
import reference from '../reference/elementary.json' with { type: 'json' };

/** Distance from `x` to the next float64 away from zero. */
function ulp(x: number): number {
  return 2 ** Math.max(-1074, Math.floor(Math.log2(Math.abs(x))) - 52);
}

/** Largest error of `f` in units of the last place of the exact value (value + rest). */
function worst(f: (x: number) => number, rows: number[][]): number {
  let largest = 0;
  for (const [x, value, rest] of rows as [number, number, number][]) {
    if (value === 0) expect(f(x)).toBe(0);
    else largest = Math.max(largest, Math.abs(f(x) - value - rest) / ulp(value));
  }
  return largest;
}

test('exp: within 1 ulp of 300-bit values from -708 to 709.78 (0.9 measured)', () => {
  expect(worst(exp, reference.exp)).toBeLessThanOrEqual(1);
});

test('log: within 1.5 ulp of 300-bit values over all of float64, subnormals included (1.35 measured)', () => {
  expect(worst(log, reference.log)).toBeLessThanOrEqual(1.5);
});

test('exp and log: agree with Math to 2 ulp wherever both are within one', () => {
  for (let k = 0; k <= 4000; k++) {
    const x = -708 + (1417 * k) / 4000;
    expect(Math.abs(exp(x) - Math.exp(x))).toBeLessThanOrEqual(2 * ulp(Math.exp(x)));
    const y = 2 ** (-1022 + (2045 * k) / 4000);
    expect(Math.abs(log(y) - Math.log(y))).toBeLessThanOrEqual(2 * ulp(Math.log(y) || 1));
  }
});

test('exp: 0 below -708, Infinity at Infinity, NaN where it cannot be represented or x is NaN', () => {
  expect([-708.0000001, -745, -1e308, -Infinity].map(exp)).toEqual([0, 0, 0, 0]);
  expect(exp(-708)).toBeGreaterThan(0);
  expect(exp(Infinity)).toBe(Infinity);
  expect(exp(709.782712893384)).toBeLessThan(Infinity);
  expect([709.7827128933841, 800, Number.NaN].map(exp)).toEqual([Number.NaN, Number.NaN, Number.NaN]);
});

test('log: -Infinity at either zero, Infinity at Infinity, NaN below zero', () => {
  expect([0, -0, Infinity].map(log)).toEqual([-Infinity, -Infinity, Infinity]);
  expect([-1, -5e-324, -Infinity, Number.NaN].map(log)).toEqual(Array(4).fill(Number.NaN));
});

test('exp is exact at 0 and log at 1', () => {
  expect(exp(0)).toBe(1);
  expect(exp(-0)).toBe(1);
  expect(Object.is(log(1), 0)).toBe(true);
});
