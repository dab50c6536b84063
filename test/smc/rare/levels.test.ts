import { expect, test } from 'vitest';
import { scoreOf } from '../../../engine/model/event.ts';
import { idealError, lowestLevel, nextLevel } from '../../../estimators/smc/rare/levels.ts';

const of = (...score: number[]): Float64Array => Float64Array.from(score);

test('nextLevel(): leaves floor(p0 N) strictly above when there are no ties', () => {
  expect(nextLevel(of(-5, -4, -3, -2, -1, -0.5, -9, -8, -7, -6), 0.3)).toEqual({ kind: 'level', value: -3 });
});

test('nextLevel(): at least one survives even if p0 N is below 1', () => {
  expect(nextLevel(of(-3, -2, -1), 0.1)).toEqual({ kind: 'level', value: -2 });
});

test('nextLevel(): when the level would be the largest score, it is the largest value below', () => {
  expect(nextLevel(of(-3, -1, -1, -1, -2), 0.2)).toEqual({ kind: 'level', value: -2 });
});

test('nextLevel(): ends when enough particles are inside the event, and not before', () => {
  expect(nextLevel(of(-1, 1, 2, 3), 0.5)).toEqual({ kind: 'event' });
  expect(nextLevel(of(-3, -2, -1, 3), 0.5)).toEqual({ kind: 'level', value: -2 });
});

test('nextLevel(): a score of 0 is outside; as the level it ends the climb only with someone above', () => {
  expect(nextLevel(of(-1, 0, 0, 2), 0.25)).toEqual({ kind: 'event' });
  expect(nextLevel(of(-1, 0, 0, 0), 0.25)).toEqual({ kind: 'level', value: -1 });
});

test('nextLevel(): one score outside the event for all is nothing to climb', () => {
  expect(nextLevel(of(-2, -2, -2), 0.5)).toEqual({ kind: 'stuck', value: -2 });
  expect(nextLevel(of(0, 0), 0.5)).toEqual({ kind: 'stuck', value: 0 });
  expect(nextLevel(of(1, 1), 0.5)).toEqual({ kind: 'event' });
});

test('lowestLevel(): removes the k lowest and their ties, never anyone inside the event', () => {
  expect(lowestLevel(of(-4, -3, -2, -1), 1)).toEqual({ kind: 'level', value: -4 });
  expect(lowestLevel(of(-4, -3, -2, -1), 2)).toEqual({ kind: 'level', value: -3 });
  expect(lowestLevel(of(-1, 2, 3, 4), 3)).toEqual({ kind: 'level', value: 0 });
  expect(lowestLevel(of(1, 2), 1)).toEqual({ kind: 'event' });
  expect(lowestLevel(of(-1, -1), 1)).toEqual({ kind: 'stuck', value: -1 });
});

test('lowestLevel(): when the k lowest reach up to the largest score, the largest score survives', () => {
  expect(lowestLevel(of(-2, -1, -1, -1), 2)).toEqual({ kind: 'level', value: -2 });
  expect(lowestLevel(of(-1, 2, 2, 2), 3)).toEqual({ kind: 'level', value: 0 });
});

test('idealError(): adds (1 - r) / (r N) over the levels', () => {
  expect(idealError([0.1, 0.1, 0.5], 1000)).toBeCloseTo(Math.sqrt((9 + 9 + 1) / 1000), 14);
});

test('scoreOf(): the distance to the nearer bound, above 0 strictly inside', () => {
  expect([2, 3, 4].map(scoreOf({ above: 3 }))).toEqual([-1, 0, 1]);
  expect([2, 3, 4].map(scoreOf({ below: 3 }))).toEqual([1, 0, -1]);
  expect([0, 1, 2.5, 3, 5].map(scoreOf({ above: 1, below: 3 }))).toEqual([-1, 0, 0.5, 0, -2]);
});
