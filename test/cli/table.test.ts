import { expect, test } from 'vitest';
import { painter } from '../../cli/format/color.ts';
import type { Look } from '../../cli/format/look.ts';
import { indexTables } from '../../cli/format/table.ts';
import { cells } from '../../cli/format/text.ts';
import { flood, indices, result } from './fixture.ts';

const look = (width: number, utf8 = false, color = false): Look => ({ width, utf8, paint: painter(color) });

for (const width of [60, 80, 120]) {
  for (const utf8 of [false, true]) {
    test(`indexTables(): the flood table at ${width} columns in ${utf8 ? 'UTF-8' : 'ASCII'}`, () => {
      const text = indexTables(result([flood]), look(width, utf8));
      expect(text).toMatchSnapshot();
      for (const line of text.split('\n')) expect(cells(line)).toBeLessThanOrEqual(width);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: this is the point
      expect(text).toMatch(utf8 ? /^[^\x1b]*$/ : /^[\x20-\x7e\n]*$/);
    });
  }
}

test('indexTables(): colour changes nothing but marks', () => {
  const plain = indexTables(result([flood]), look(80));
  const colored = indexTables(result([flood]), look(80, false, true));
  expect(colored).not.toBe(plain);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is taken out
  expect(colored.replaceAll(/\x1b\[\d+m/g, '').replaceAll(/ +$/gm, '')).toBe(plain);
});

test('indexTables(): below 60 columns intervals stand on lines of their own and nothing is wider', () => {
  for (const width of [24, 40, 59]) {
    const text = indexTables(result([flood]), look(width));
    for (const line of text.split('\n').slice(2, -4)) expect(cells(line)).toBeLessThanOrEqual(width);
    expect(text).toContain('S1 [0.3446, 0.3452]');
  }
});

test('indexTables(): of 500 inputs the 20 largest are shown in their order, the rest in one line', () => {
  const names = Array.from({ length: 500 }, (_, i) => `x${i + 1}`);
  const total = names.map((_, i) => (i % 25 === 7 ? 0.05 - i / 1e5 : 0.0035));
  const made = indices({ names, first: total, total, half: names.map(() => 0.0004) });
  const text = indexTables(result([made]), look(80));
  expect(text).toContain('480 others: each ST below 0.004\n');
  const shown = [...text.matchAll(/^x(\d+) /gm)].map((match) => Number(match[1]));
  expect(shown).toEqual(Array.from({ length: 20 }, (_, i) => 25 * i + 8));
});

test('indexTables(): several outputs are blocks, the aggregate first; of many, five are chosen', () => {
  const output = (name: string) =>
    indices({ output: name, names: ['a', 'b'], first: [0.6, 0.4], total: [0.6, 0.4], half: [0.01, 0.01] });
  const three = indexTables(result(['p', 'q', 'r'].map(output), {}, output('aggregated')), look(80));
  expect([...three.matchAll(/^Sobol' indices of (.+?)(?: {2}|$)/gm)].map((match) => match[1])).toEqual([
    'all 3 outputs together',
    'p',
    'q',
    'r',
  ]);
  const times = Array.from({ length: 25 }, (_, t) => output(`t${t}`));
  const many = indexTables(result(times, {}, output('aggregated')), look(80));
  expect([...many.matchAll(/^Sobol' indices of (t\d+)/gm)].map((match) => match[1])).toEqual([
    't0',
    't6',
    't12',
    't18',
    't24',
  ]);
  expect(many).toContain('20 other outputs: all of them with --csv FILE or --report FILE\n');
});

test('indexTables(): names of any kind keep the columns straight', () => {
  const names = ['<b>', 'a"b', '=1+1', 'n'.repeat(60), '流量', '🌊', 'x\x1b[31my'];
  const value = [0.1, 0.2, -0.0012, 0.15, 0.25, 0.12, 0.00001];
  const made = indices({ names, first: value, total: value, half: value.map((v) => Math.abs(v) / 20) });
  const lines = indexTables(result([made]), look(80))
    .split('\n')
    .slice(3, 10);
  const dots = lines.map((line) => cells(line.slice(0, line.search(/\d\.\d/))));
  expect(new Set(dots).size).toBe(1);
  expect(lines.join('\n')).not.toContain('\x1b');
  expect(lines.join('\n')).not.toContain('-0.0000');
});

test('indexTables(): n/a has its reason under the table', () => {
  const empty = [Number.NaN, Number.NaN];
  const constant = indices({ names: ['a', 'b'], first: empty, total: empty, half: empty, constant: true });
  expect(indexTables(result([constant]), look(80))).toMatch(
    /a +n\/a +n\/a\n.*\nn\/a: the output never changed/,
  );
  const one = indices({ names: ['a', 'b'], first: [0.4, 0.5], total: [0.4, 0.5], half: empty });
  const interrupted = indexTables(result([one], { design: { completeReplicates: 1 } }), look(80));
  expect(interrupted).toContain('no intervals, from 1 scrambled replicate, interrupted');
  expect(interrupted).toMatch(/n\/a: intervals need two whole replicates, and only one is there\./);
});

test('indexTables(): an input that never did anything shows 0 and no interval', () => {
  const made = indices({ names: ['a', 'b'], first: [1, 0], total: [1, 0], half: [0.01, Number.NaN] });
  expect(indexTables(result([made]), look(80))).toMatch(/^b +0\.0000 +0\.0000$/m);
});

test('indexTables(): a pair is flagged only beyond the level corrected for all pairs', () => {
  // 6 pairs at 95 % with 7 degrees of freedom: the corrected interval is 1.54 times as wide as the printed one.
  const halves = [0.01, 0.01, 0.01, 0.01, 0.01, 0.01];
  const pairs = [0.016, 0.015, 0, 0, -0.012, 0].map((value, i) => ({ value, half: halves[i]! }));
  const four = ['a', 'b', 'c', 'd'];
  const quarter = [0.25, 0.25, 0.25, 0.25];
  const made = indices({
    names: four,
    first: quarter,
    total: quarter,
    half: [0.01, 0.01, 0.01, 0.01],
    pairs,
  });
  const text = indexTables(result([made]), look(80));
  expect(text).toMatch(/a x b/);
  expect(text).not.toMatch(/a x c/);
  expect(text).toContain('5 other pairs: none differs from 0\n');
});
