import { expect, test } from 'vitest';
import { checkOptionNames, nearestName } from '../engine/check.ts';
import { OptionError } from '../engine/errors.ts';

test('nearestName(): a slip of the finger finds its word, another word does not', () => {
  expect(nearestName('jannsen', ['saltelli', 'jansen', 'janon'])).toBe('jansen');
  expect(nearestName('bb', ['a', 'b'])).toBe('b');
  expect(nearestName('zz', ['a', 'b'])).toBeUndefined();
  expect(nearestName('n', ['a', 'points'])).toBeUndefined();
});

test('nearestName(): the beginning of one name is that name, of several is none', () => {
  expect(nearestName('boot', ['replicates', 'asymptotic', 'bootstrap'])).toBe('bootstrap');
  expect(nearestName('bo', ['replicates', 'bootstrap'])).toBeUndefined();
  expect(nearestName('salt', ['saltelli', 'saltelli2002'])).toBeUndefined();
});

test('checkOptionNames(): a misspelt option is refused with the nearest name, an absent one is fine', () => {
  const known = ['points', 'secondOrder'];
  expect(() => checkOptionNames('run', { points: 1, secondorder: true }, known)).toThrow(
    'run: there is no option `secondorder`; expected some of points, secondOrder. Did you mean secondOrder?',
  );
  expect(() => checkOptionNames('run', undefined, known)).toThrow(OptionError);
  expect(() => checkOptionNames('run', 3000, known)).toThrow('run: the options are 3000; expected an object');
  expect(() => checkOptionNames('run', { secondOrder: undefined }, known)).not.toThrow();
});
