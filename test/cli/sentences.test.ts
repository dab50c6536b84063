import { expect, test } from 'vitest';
import { notToldApart, shrinkRate, toSettle } from '../../cli/format/ranking.ts';
import { leadSentences, outputSentence, type Story } from '../../cli/format/sentences.ts';
import type { SobolResult } from '../../estimators/index.ts';
import { estimate, flood, indices, result } from './fixture.ts';

const story = (of: SobolResult, change: Partial<Story> = {}): Story => ({
  result: of,
  outputs: { overflow: { unit: 'm' } },
  speed: 1e6,
  plusMinus: '+/-',
  ...change,
});

test('leadSentences(): the flood table in words', () => {
  expect(leadSentences(story(result([flood])))).toEqual([
    'Q alone explains 34 % of the variance of overflow, Hd 28 %, Zv 19 %, Ks 13 %.',
    'Interactions carry 0.8 %, all of it between Q and Ks (0.0082 +/- 0.0009).',
    'Zm, L and B could be fixed anywhere: their total indices are below 0.004.',
  ]);
  expect(outputSentence(story(result([flood])))).toBe('Mean -10.944 m, standard deviation 1.083 m.');
});

test('leadSentences(): nobody explains five per cent', () => {
  const names = Array.from({ length: 30 }, (_, i) => `x${i}`);
  const share = names.map(() => 0.03);
  const made = indices({ names, first: share, total: share, half: names.map(() => 0.001) });
  expect(leadSentences(story(result([made])))[0]).toBe(
    'No input alone explains as much as 5 % of the variance of y.',
  );
});

test('leadSentences(): a share far above one is called noise, not an explanation', () => {
  const made = indices({ names: ['a', 'b'], first: [1.75, 0.2], total: [4, 1], half: [2, 2] });
  expect(leadSentences(story(result([made])))[0]).toBe(
    'Too few points to say what drives y: a alone would explain 175 % of its variance.',
  );
});

test('leadSentences(): an interaction whose interval holds 0 is not told from 0', () => {
  const none = indices({
    names: ['a', 'b'],
    first: [0.6, 0.395],
    total: [0.6, 0.4],
    half: [0.01, 0.01],
    interaction: [0.005, 0.006],
  });
  expect(leadSentences(story(result([none])))).toContain('Interactions together are not told from 0.');
  const some = indices({
    names: ['a', 'b'],
    first: [0.6, 0.3],
    total: [0.7, 0.4],
    half: [0.01, 0.01],
    interaction: [0.1, 0.006],
  });
  expect(leadSentences(story(result([some])))).toContain('Interactions carry 10 %.');
});

test('leadSentences(): neighbours in ST whose difference may be 0 are named, with what would settle it', () => {
  const names = ['a', 'b', 'c', 'd'];
  const made = indices({
    names,
    first: [0.1, 0.2, 0.3, 0.35],
    total: [0.12, 0.2, 0.3, 0.31],
    half: [0.01, 0.01, 0.01, 0.01],
  });
  const said = leadSentences(story(result([made])));
  expect(said).toContain('d and c are not told apart by their total indices.');
  // Half-width of the difference 0.0141 must shrink below 0.01, at n^-0.5: 2.0 times the points, up to a power of two.
  expect(said[said.length - 1]).toBe('To settle it: -n 32768 (196 608 model runs, about 0.2 s).');
  const elsewhere = leadSentences(story(result([made]), { speed: Number.NaN }));
  expect(elsewhere[elsewhere.length - 1]).toBe('To settle it: -n 32768 (196 608 model runs).');
});

test('leadSentences(): a tie that no affordable number of points would settle gets no advice', () => {
  const made = indices({ names: ['a', 'b'], first: [0.5, 0.5], total: [0.5, 0.50001], half: [0.01, 0.01] });
  const said = leadSentences(story(result([made])));
  expect(said).toContain('b and a are not told apart by their total indices.');
  expect(said.join(' ')).not.toContain('To settle it');
});

test('leadSentences(): several outputs speak of the aggregate; constants and unfinished runs say nothing', () => {
  const one = (output: string) =>
    indices({ output, names: ['a', 'b'], first: [0.7, 0.3], total: [0.7, 0.3], half: [0.01, 0.01] });
  const three = result(['p', 'q', 'r'].map(one), {}, one('aggregated'));
  expect(leadSentences(story(three))[0]).toBe(
    'a alone explains 70 % of the variance of all 3 outputs together, b 30 %.',
  );
  expect(outputSentence(story(three))).toBeUndefined();
  const empty = [Number.NaN, Number.NaN];
  const constant = indices({ names: ['a', 'b'], first: empty, total: empty, half: empty, constant: true });
  expect(leadSentences(story(result([constant])))).toEqual([]);
  expect(leadSentences(story(result([flood], { design: { completeReplicates: 0 } })))).toEqual([]);
});

test('notToldApart(): chains of ties are one group, inputs apart are none', () => {
  const made = indices({
    names: ['a', 'b', 'c', 'd'],
    first: [0, 0, 0, 0],
    total: [0.305, 0.1, 0.3, 0.31],
    half: [0.01, 0.01, 0.01, 0.01],
  });
  expect(notToldApart(made, [0, 1, 2, 3]).map(({ members }) => members)).toEqual([[3, 0, 2]]);
  expect(notToldApart(made, [1, 3])).toEqual([]);
});

test('notToldApart(): replicates that agree on a difference tell inputs apart whose intervals overlap', () => {
  const made = indices({ names: ['a', 'b'], first: [0.5, 0.5], total: [0.52, 0.5], half: [0.05, 0.05] });
  expect(notToldApart(made, [0, 1])).toHaveLength(1);
  const values = Float64Array.of(0.48, 0.46, 0.52, 0.501, 0.56, 0.539); // differences 0.02, 0.019, 0.021
  expect(notToldApart({ ...made, replicateTotals: { replicates: 3, values } }, [0, 1])).toEqual([]);
  // Differences 0.03, 0.01, 0.02 have standard error 0.01 / sqrt(3); times 4.303 (2 degrees of freedom) is 0.0248.
  const apart = Float64Array.of(0.48, 0.45, 0.52, 0.51, 0.56, 0.54);
  const [tie] = notToldApart({ ...made, replicateTotals: { replicates: 3, values: apart } }, [0, 1]);
  expect(tie?.ratio).toBeCloseTo((4.302652729911275 * 0.01) / Math.sqrt(3) / 0.02, 8);
});

test('leadSentences(): inputs that are equal in every replicate are not told apart, and nothing settles it', () => {
  const made = indices({ names: ['a', 'b'], first: [0.5, 0.5], total: [0.75, 0.75], half: [0.02, 0.02] });
  for (const rounding of [0, 1e-16, 2e-16]) {
    const values = Float64Array.of(0.74, 0.74 + rounding, 0.75, 0.75 - rounding, 0.76, 0.76 + rounding);
    const said = leadSentences(story(result([{ ...made, replicateTotals: { replicates: 3, values } }])));
    expect(said).toContain('a and b are not told apart by their total indices.');
    expect(said.join(' ')).not.toContain('To settle it');
  }
});

test('shrinkRate(): the exponent of the last three prefixes, kept between 0.5 and 1.25', () => {
  const at = (points: number, half: number) => {
    const numbers = estimate(['a'], [0.5], [half]);
    return { points, firstOrder: numbers, totalOrder: numbers };
  };
  const falling = (power: number) => [256, 512, 1024].map((n) => at(n, n ** -power));
  expect(shrinkRate(falling(1))).toBeCloseTo(1, 10);
  expect(shrinkRate(falling(0.2))).toBe(0.5);
  expect(shrinkRate(falling(2))).toBe(1.25);
  expect(shrinkRate([])).toBe(0.5);
  expect(toSettle(result([flood]), [], 1e6)).toBeUndefined();
});
