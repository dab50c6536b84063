import { expect, test } from 'vitest';
import { painter, speaksUtf8, wantsColor } from '../../cli/format/color.ts';
import { cells, centre, padEnd, printable, shortNames, spread, wrap } from '../../cli/format/text.ts';
import { listed } from '../../cli/format/words.ts';

test('cells(): Chinese and emoji take two cells, combining marks none', () => {
  expect(cells('abc')).toBe(3);
  expect(cells('流量')).toBe(4);
  expect(cells('🌊')).toBe(2);
  expect(cells('👩‍🔬')).toBe(2);
  expect(cells('e\u0301')).toBe(1);
  expect(padEnd('流量', 6)).toBe('流量  ');
});

test('printable(): nothing in a name can move the cursor or turn the text around', () => {
  expect(printable('a\x1b[31mb\nc\u202ed')).toBe('a?[31mb?c?d');
});

test('shortNames(): long names are cut in the middle to 16 cells and stay distinct', () => {
  expect(shortNames(['soil_conductivity_3', 'x'])).toEqual(['soil_con...ity_3', 'x']);
  const close = ['soil_conductivity_layer_one_3', 'soil_conductivity_layer_two_3', 'soil_conduXtivity_3'];
  const short = shortNames(close);
  expect(new Set(short).size).toBe(3);
  for (const name of [...short, ...shortNames(['流量流量流量流量流量流量'])])
    expect(cells(name)).toBeLessThanOrEqual(16);
});

test('shortNames(): names that agree at both ends are told apart by their number', () => {
  const names = Array.from(
    { length: 12 },
    (_, i) => `${'a'.repeat(20)}${i % 10}${i > 9 ? 'x' : ''}${'b'.repeat(20)}`,
  );
  const short = shortNames(names);
  expect(new Set(short).size).toBe(12);
  for (const name of short) expect(cells(name)).toBeLessThanOrEqual(16);
});

test('wrap(), centre(), spread(): lines keep to their width', () => {
  expect(wrap('one two three four', 9)).toBe('one two\nthree\nfour');
  expect(wrap('it took 12 345 678 runs in 15 s.', 12)).toBe('it took\n12 345 678\nruns in\n15 s.');
  expect(centre('ST', 6)).toBe('  ST  ');
  expect(spread('left', 'right', 12)).toBe('left   right');
  expect(spread('left', 'right', 10)).toBe('left\nright');
});

test('listed(): names with commas and a last "and"', () => {
  expect(listed(['a'])).toBe('a');
  expect(listed(['a', 'b', 'c'])).toBe('a, b and c');
  expect(listed(Array.from('abcdefgh'))).toBe('a, b, c, d, e and 3 more');
});

test('wantsColor(): decided per stream; NO_COLOR and TERM=dumb win, FORCE_COLOR stands in for a terminal', () => {
  expect(wantsColor({}, true)).toBe(true);
  expect(wantsColor({}, false)).toBe(false);
  expect(wantsColor({ NO_COLOR: '1' }, true)).toBe(false);
  expect(wantsColor({ NO_COLOR: '' }, true)).toBe(true);
  expect(wantsColor({ TERM: 'dumb' }, true)).toBe(false);
  expect(wantsColor({ FORCE_COLOR: '1' }, false)).toBe(true);
  expect(wantsColor({ FORCE_COLOR: '1', NO_COLOR: '1' }, false)).toBe(false);
  expect(painter(false).red('x')).toBe('x');
  expect(painter(true).red('x')).toBe('\x1b[31mx\x1b[39m');
});

test('speaksUtf8(): the locale decides', () => {
  expect(speaksUtf8({ LANG: 'de_DE.UTF-8' })).toBe(true);
  expect(speaksUtf8({ LANG: 'en_US.utf8', LC_ALL: 'C' })).toBe(false);
  expect(speaksUtf8({})).toBe(false);
});
