import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  bound,
  count,
  decimalsFor,
  duration,
  fixed,
  levelText,
  percent,
  plusMinus,
  quantity,
  rate,
} from '../../cli/format/number.ts';

test('decimalsFor(): the error keeps two digits when its first is 1 or 2, else one, and indices stop at four', () => {
  const cases: readonly (readonly [number, number])[] = [
    [0.4, 1],
    [0.29, 2],
    [0.1, 2],
    [0.03, 2],
    [0.012, 3],
    [0.0021, 4],
    [0.000012, 4],
    [3, 0],
    [0, 4],
    [Number.NaN, 4],
  ];
  for (const [error, decimals] of cases) expect(decimalsFor(error), String(error)).toBe(decimals);
});

test('fixed(): a low end never rises and a high end never falls by printing', () => {
  fc.assert(
    fc.property(fc.double({ min: -1000, max: 1000, noNaN: true }), fc.integer({ min: 0, max: 6 }), (x, d) => {
      expect(Number(fixed(x, d, 'down'))).toBeLessThanOrEqual(x);
      expect(Number(fixed(x, d, 'up'))).toBeGreaterThanOrEqual(x);
      expect(Math.abs(Number(fixed(x, d, 'up')) - x)).toBeLessThan(1.0001 * 10 ** -d);
    }),
  );
});

test('fixed(): a number that already has its decimals stays, and zero has no sign', () => {
  expect(fixed(0.3447, 4, 'down')).toBe('0.3447');
  expect(fixed(0.3447, 4, 'up')).toBe('0.3447');
  expect(fixed(-0.00001, 4)).toBe('0.0000');
  expect(fixed(-0.00001, 4, 'up')).toBe('0.0000');
  expect(fixed(-0.00001, 4, 'down')).toBe('-0.0001');
  expect(fixed(Number.NaN, 4)).toBe('n/a');
});

test('count(): thousands get spaces from 10 000 on', () => {
  expect([9999, 10_000, 294_912, 12_345_678].map(count)).toEqual(['9999', '10 000', '294 912', '12 345 678']);
});

test('percent(): whole per cents, one decimal below one, and never a zero for something positive', () => {
  expect([0.3449, 0.05, 0.0079, 0.0012, 0.0004, 0, -0.02].map(percent)).toEqual([
    '34 %',
    '5 %',
    '0.8 %',
    '0.1 %',
    '<0.1 %',
    '0.0 %',
    '-2 %',
  ]);
  expect([0.95, 0.9, 0.999, 0.99999].map(levelText)).toEqual(['95 %', '90 %', '99.9 %', '99.999 %']);
});

test('bound(): an upper end is rounded up to one digit, and to the last decimal of an index', () => {
  expect([3e-8, 0.00009, 0.0001, 0.00011, 0.00094, 0.0031, 0.12, 0].map(bound)).toEqual([
    '0.0001',
    '0.0001',
    '0.0001',
    '0.0002',
    '0.0010',
    '0.004',
    '0.2',
    '0.0001',
  ]);
});

test('quantity(): digits follow the error, exponents begin at 1e5 and below 1e-3, units follow', () => {
  expect(quantity(-10.9437, 0.006, 'm')).toBe('-10.944 m');
  expect(quantity(1.083, 0.0042, 'm')).toBe('1.083 m');
  expect(quantity(123_456, 40)).toBe('1.2346e5');
  expect(quantity(1.2345e-6, 4e-8)).toBe('1.23e-6');
  expect(quantity(0, Number.NaN)).toBe('0');
});

test('plusMinus(): both numbers share decimals or exponent', () => {
  expect(plusMinus(0.00821, 0.00085, 0.0004)).toBe('0.0082 +/- 0.0009');
  expect(plusMinus(1.234e-6, 0.4e-7, 0.2e-7, '±')).toBe('1.234e-6 ± 0.040e-6');
});

test('duration() and rate(): short words for seconds and runs a second', () => {
  expect([0.01, 0.44, 12.2, 150, 9000].map(duration)).toEqual(['0.1 s', '0.4 s', '12 s', '3 min', '2.5 h']);
  expect([1.94e6, 320_000, 1200, 2.5].map(rate)).toEqual(['1.9 M/s', '320 k/s', '1200 /s', '2.5 /s']);
});
