import { expect, test } from 'vitest';
import { OptionError } from '../../engine/errors.ts';
import { randomWalk } from '../../engine/kernel/random-walk.ts';
import {
  checkMoveCount,
  isEnough,
  type MoveCount,
  movesToReach,
  repeatMoves,
} from '../../engine/kernel/repeat.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { POSTERIOR, SKEWED } from './problems.ts';
import { chainsAt, drawsOf, openFor, targetOf } from './targets.ts';

test('movesToReach(): the smallest K with 1 - (1 - acceptance)^K >= reach', () => {
  for (const [acceptance, reach] of [
    [0.234, 0.99],
    [0.5, 0.99],
    [0.9, 0.99],
    [0.5, 0.75],
    [0.75, 0.9375],
  ] as const) {
    const K = movesToReach(acceptance, reach, 1000);
    expect(1 - (1 - acceptance) ** K).toBeGreaterThanOrEqual(reach);
    expect(1 - (1 - acceptance) ** (K - 1)).toBeLessThan(reach);
  }
  expect(movesToReach(0.234, 0.99, 1000)).toBe(18);
  // The quotient of logarithms is an ulp above a whole number.
  expect(movesToReach(0.25, 0.578125, 1000)).toBe(3);
  expect(movesToReach(0.5, 0.75, 1000)).toBe(2);
  expect(movesToReach(0.995, 0.99, 1000)).toBe(1);
  expect(movesToReach(1, 0.99, 1000)).toBe(1);
  expect(movesToReach(0, 0.99, 1000)).toBe(1000);
  expect(movesToReach(0.001, 0.99, 100)).toBe(100);
});

test('isEnough(): by distance, moves end with the first that grows it by less than 5 %', () => {
  const rule = checkMoveCount('test', 'moves', 'distance');
  expect(isEnough(rule, 0.2, [1])).toBe(false);
  expect(isEnough(rule, 0.2, [1, 1.06])).toBe(false);
  expect(isEnough(rule, 0.2, [1, 1.04])).toBe(true);
  expect(isEnough(rule, 0, [0, 0])).toBe(true);
  expect(isEnough({ until: 'distance', growth: 0.05, most: 3 }, 0.2, [1, 2, 4])).toBe(true);
});

test('repeatMoves(): each rule makes the moves it promises, numbered one after the other', async () => {
  const target = targetOf(SKEWED);
  const start = drawsOf(POSTERIOR, 200, 1);
  const moves: number[] = [];
  for (const count of [3, 'acceptance', 'distance'] as const) {
    const kernel = openFor(randomWalk(), SKEWED);
    kernel.tune({ x: start, logWeight: new Float64Array(200) });
    const states = await chainsAt(Float64Array.from(start), target, false);
    const rule = checkMoveCount('test', 'moves', count);
    const told = await repeatMoves(kernel, rule, states, target, { rng: rngFromSeed(3), step: 2, move: 4 });
    moves.push(told.moves);
    if (count === 'acceptance') expect(told.moves).toBe(movesToReach(told.acceptance, 0.99, 100));
    const once = await chainsAt(Float64Array.from(start), target, false);
    const fresh = openFor(randomWalk(), SKEWED);
    fresh.tune({ x: start, logWeight: new Float64Array(200) });
    for (let move = 4; move < 4 + told.moves; move++)
      await fresh.move(once, target, { rng: rngFromSeed(3), step: 2, move });
    expect(states).toEqual(once);
    let distance = 0;
    for (let at = 0; at < start.length; at++)
      distance += ((states.x[at]! - start[at]!) / kernel.spread[at % 2]!) ** 2 / 200;
    expect(told.squaredDistance).toBeCloseTo(distance, 10);
  }
  expect(moves[0]).toBe(3);
  // In equilibrium the distance ends at twice the number of coordinates, after more than a move or two.
  expect(moves[2]).toBeGreaterThan(4);
});

test.each<[MoveCount, RegExp]>([
  [0, /`moves` is 0/],
  [1.5, /`moves` is 1.5/],
  ['accept' as 'acceptance', /Did you mean acceptance/],
  [{ until: 'acceptance', reach: 1 }, /`moves.reach` is 1/],
  [{ until: 'distance', growth: 0 }, /`moves.growth` is 0/],
  [{ until: 'distance', most: 0 }, /`moves.most` is 0/],
  [{ until: 'distance', reach: 0.5 } as object as MoveCount, /no option `reach`/],
  [null as unknown as MoveCount, /the options are null/],
])('checkMoveCount(): %j is refused', (value, message) => {
  expect(() => checkMoveCount('test', 'moves', value)).toThrow(OptionError);
  expect(() => checkMoveCount('test', 'moves', value)).toThrow(message);
});
