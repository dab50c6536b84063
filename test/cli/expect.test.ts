import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectationsCsv, expectationsJson } from '../../cli/expect-documents.ts';
import { expectMethod, inFileWords } from '../../cli/expect-file.ts';
import { readExpectSettings } from '../../cli/expect-settings.ts';
import { painter } from '../../cli/format/color.ts';
import { expectationSentences } from '../../cli/format/expectation-sentences.ts';
import { expectationsTable } from '../../cli/format/expectations.ts';
import { factor, gainsOf } from '../../cli/format/gains.ts';
import { quantityEntry } from '../../cli/format/quantity-entry.ts';
import { cells } from '../../cli/format/text.ts';
import { checkSpelling } from '../../cli/misspelt-export.ts';
import { inOwnWords } from '../../cli/own-functions.ts';
import { renderExpectations } from '../../cli/report/render-expectations.ts';
import { ModelError, normal, OptionError } from '../../estimators/index.ts';
import { type MadeExpectations, MIXED, madeExpectations, madeReport } from './expect-fixture.ts';
import { estimate } from './fixture.ts';
import { xmlFault } from './xml.ts';

const table = (made: MadeExpectations, width = 80, interrupted = false): string =>
  expectationsTable(
    {
      result: madeExpectations(made),
      file: 'dike.ts',
      interrupted,
      units: ['m', 'm', undefined, undefined, undefined],
      events: [false, false, true, true, false],
    },
    { width, utf8: false, paint: painter(false) },
  );

test('expectationsTable(): digits by the error, exponents where needed, flags only where something is to be told', () => {
  expect(table(MIXED)).toBe(`Expectations of dike.ts               95 % intervals from 8 scrambled replicates

expectation         value        95 % interval
mean (m)           1.235     [1.224, 1.245]
under <load> (m)   3.10      [2.90, 3.31]
beyond             1.234e-6  [1.194e-6, 1.274e-6]  cv 1 %
never              n/a                             unseen
wild             123         n/a                   heavy, k 0.83

functional  value    95 % interval
ratio       2.51  [2.34, 2.67]
n/a, unseen: the function was 0 at every point, so nothing is known about its
mean.
n/a, heavy: a few points decide the value, so an interval would be too narrow.
`);
});

test('expectationsTable(): no line is wider than the screen, and no number is lost on a narrow one', () => {
  for (const width of [40, 60, 80, 120]) {
    const text = table(MIXED, width);
    for (const line of text.split('\n')) expect(cells(line), line).toBeLessThanOrEqual(width);
    for (const part of ['1.235', '[1.224, 1.245]', '[1.194e-6, 1.274e-6]', 'heavy, k 0.83', 'unseen'])
      expect(text).toContain(part);
  }
});

test('expectationsTable(): of 100 rows those that are not well stay, and the others are counted', () => {
  const names = Array.from({ length: 100 }, (_, j) => `law ${j}`);
  const told = names.map((_, j) => (j === 77 ? { status: 'heavy' as const, paretoShape: 0.9 } : {}));
  const text = table({ names, told });
  expect(text).toContain('law 77 ');
  expect(text).not.toContain('law 76 ');
  expect(text).toMatch(/80 others, standard errors at most 0\.\d %/);
});

test('quantityEntry(): a printed interval holds the computed one, and the value has the digits of its error', () => {
  const number = fc.double({ min: -1e8, max: 1e8, noNaN: true });
  const width = fc.double({ min: 1e-9, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(number, width, (value, half) => {
      const { value: v, low, high } = quantityEntry(estimate(['x'], [value], [half]), 0);
      const slack = 1e-12 * (Math.abs(value) + half);
      expect(Number(low)).toBeLessThanOrEqual(value - half + slack);
      expect(Number(high)).toBeGreaterThanOrEqual(value + half - slack);
      expect(Math.abs(Number(v) - value)).toBeLessThanOrEqual(0.5 * half + slack);
      expect(low.split('e')[1]).toBe(v.split('e')[1]);
    }),
    { numRuns: 300, seed: 7 },
  );
});

test('sentences: gains count the points that adapted, and a loss is called one', () => {
  const result = madeExpectations();
  const share = 8192 / 11_192;
  expect(gainsOf(result).map(({ name }) => name)).toEqual(['beyond', 'under <load>', 'mean']);
  expect(gainsOf(result)[2]!.gain).toBeCloseTo(share / 0.8, 12);
  expect(expectationSentences(result)).toEqual([
    '3000 points in 3 stages adapted the sample; the answer rests on 8192 others.',
    'Each point is worth 73 000 points of plain Monte Carlo for beyond, 0.91 for mean; what scrambled points add comes on top. Plain Monte Carlo would have done for mean.',
    'Effective points: 12 of 8192 for wild, where they are fewest.',
  ]);
  expect(expectationSentences({ ...result, unbiased: false })).toEqual([]);
  expect([0.5234, 1.26, 24.4, 4567, 1.2e6].map(factor)).toEqual(['0.52', '1.3', '24', '4600', '1.2e6']);
});

test('expectationsJson(), expectationsCsv(): every number or null, names that look like formulas defused', () => {
  const document = JSON.parse(expectationsJson(madeExpectations(), true));
  expect(document).toMatchObject({ method: 'expectations', seed: 7, evaluations: 11_192, finalPoints: 8192 });
  expect(document).toMatchObject({ interrupted: true, unbiased: true, replicates: 8 });
  expect(document.expectations.value).toEqual([1.23456, 3.1, 1.234e-6, null, 123.456]);
  expect(document.expectations.status).toEqual(['estimated', 'estimated', 'estimated', 'unseen', 'heavy']);
  expect(document.covariance).toHaveLength(5);
  expect(document.functionals.names).toEqual(['ratio']);
  expect(document.stages.map(({ points }: { points: number }) => points)).toEqual([1000, 1000, 1000]);
  expect(expectationsCsv(madeExpectations())).toMatch(
    /^functional,ratio,2\.51,[\d.]+,2\.3\d+,2\.67[\d.]*,0\.95,,,,,$/m,
  );
  const csv = expectationsCsv(madeExpectations({ names: ['=1+1'] })).split('\n');
  expect(csv[1]).toMatch(
    /^expectation,'=1\+1,1,0\.0042\d+,0\.99,1\.01,0\.95,estimated,5000,0\.2,0\.001,0\.5$/,
  );
});

test('readExpectSettings(): only what was given becomes an option; what cannot be used is refused', () => {
  expect(readExpectSettings('x', {}).method).toEqual({});
  expect(readExpectSettings('x', { design: 'iid', missing: '0', preset: 'published' }).method).toEqual({
    design: 'iid',
    missing: 0,
    preset: 'published',
  });
  const bad = {
    proposal: 'nomal',
    space: 'z',
    controls: 'some',
    design: 'lhs',
    preset: 'x',
    missing: 'drop-row',
  };
  for (const [option, value] of Object.entries(bad))
    expect(() => readExpectSettings('x', { [option]: value }), option).toThrow(OptionError);
});

test('expectMethod(): what the module says wrong is its own fault, a flag that cannot be used is one of the command', () => {
  const file = (wanted: object): Parameters<typeof expectMethod>[1] => ({
    ...{
      file: 'dike.ts',
      url: 'file:///dike.ts',
      hash: 'ab',
      kernel: undefined,
      remote: undefined,
      series: undefined,
    },
    ...{
      inputs: { a: normal(0, 1) },
      outputs: ['level'],
      texts: {},
      dependence: undefined,
      groups: undefined,
    },
    wanted,
  });
  const settings = (flags: Record<string, string>) => readExpectSettings('ensample expect', flags);
  const wrong = [
    [{ laws: { half: { inputs: { c: normal(0, 1) } } } }, 'dike.ts: export `laws.half.inputs` is "c"'],
    [{ expectations: { m: { of: 'levle' } } }, 'dike.ts: export `expectations.m.of` is "levle"'],
    [{ expectations: [] }, 'dike.ts: export `expectations` is'],
    [
      { expectations: { p: { event: { above: '3' } } } },
      'export `expectations.p.event` is above "3"; expected',
    ],
    [{ functionals: { f: { value: 3 } } }, 'dike.ts: export `functionals.f.value` is 3'],
    [{ optimize: 'functionals' }, "dike.ts: export `optimize` is 'functionals', and there are none"],
  ] as const;
  for (const [wanted, message] of wrong) {
    expect(() => expectMethod(settings({}), file(wanted)), message).toThrow(message);
    expect(() => expectMethod(settings({}), file(wanted)), message).toThrow(ModelError);
  }
  expect(() => expectMethod(settings({ points: '20' }), file({}))).toThrow(OptionError);
  expect(expectMethod(settings({ points: '200', stages: '3' }), file({})).name).toBe('expectations');
});

test('inFileWords(): a state of another run is not a fault of the file, though it speaks of laws and expectations', () => {
  const message =
    'expectations: the saved state belongs to a run with other inputs, laws, expectations or options';
  const error = new OptionError({ where: '', option: 'from', value: 1, found: '', expected: '' });
  error.message = message;
  expect(inFileWords(error, 'dike.ts')).toBe(error);
});

test('checkSpelling(): an export spelt otherwise is refused; helpers are not', () => {
  const known = ['inputs', 'dependence', 'outputs', 'laws', 'expectations', 'weights'];
  const slips = { expectation: {}, law: {}, dependance: {}, weight: [1], Outputs: [] };
  for (const [name, value] of Object.entries(slips))
    expect(() => checkSpelling('dike.ts', { inputs: {}, [name]: value }, known), name).toThrow(
      `dike.ts: export \`${name}\` is none that is read`,
    );
  const helpers = { rows: [1], weight: 9.81, law: () => 1, input: {}, default: () => 1, figures: {} };
  checkSpelling('dike.ts', { inputs: {}, outputs: [], laws: {}, ...helpers }, known);
});

test('inOwnWords(): what a function of the module throws is told by its export; a shared one stays one', () => {
  const of = (): number => {
    throw new Error('boo');
  };
  const value = (e: Float64Array): number => e[0]! + 1;
  const own = inOwnWords('dike.ts', {
    expectations: { m: { of }, n: { of } },
    functionals: { f: { value } },
  });
  const [m, n] = [own.expectations!.m!.of, own.expectations!.n!.of];
  expect(m).toBe(n);
  expect(m).toThrow('dike.ts: export `expectations.m.of` threw Error: boo');
  expect(m).toThrow(ModelError);
  expect(own.functionals!.f!.value(Float64Array.of(2))).toBe(3);
});

const WEIRD = ['<b>', 'a"b', "it's", '=1+1', 'n'.repeat(60), '流量', '🌊', 'a&amp;b', 'tab\u0001\u202e'];
const PAGES: Readonly<Record<string, string>> = {
  mixed: renderExpectations(madeReport(MIXED, { kinds: ['level', 'level', 'event', 'event', 'function'] })),
  'weird names': renderExpectations(madeReport({ names: WEIRD }, { kinds: WEIRD, units: WEIRD })),
  '100 laws': renderExpectations(madeReport({ names: Array.from({ length: 100 }, (_, j) => `law ${j}`) })),
  one: renderExpectations(madeReport({})),
  unseen: renderExpectations(
    madeReport({
      value: [Number.NaN],
      half: [Number.NaN],
      told: [
        { status: 'unseen', paretoShape: Number.NaN, largestShare: Number.NaN, varianceRatio: Number.NaN },
      ],
    }),
  ),
};

test.each(Object.entries(PAGES))(
  'renderExpectations(): every drawing is XML, and nothing is NaN (%s)',
  (_, html) => {
    const drawings = html.match(/<svg[\s\S]*?<\/svg>/g) ?? [];
    expect(drawings.length).toBeGreaterThan(4);
    for (const svg of drawings) {
      expect(xmlFault(svg)).toBeUndefined();
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    }
    expect(html.replaceAll(/base64,[^"]*|<script>[\s\S]*?<\/script>/g, '')).not.toMatch(
      /NaN|undefined|<b><|alert/,
    );
    expect(html).toContain('ensample expect dike.ts --seed 7');
  },
);

test('renderExpectations(): the line at 0.7 parts the tails, and what is beyond it is set as a warning', () => {
  const html = PAGES.mixed!;
  expect(html).toContain('no interval above 0.7');
  expect(html).toContain('wild: k 0.83, largest share 40 %');
  expect(html).toContain('For `wild` a few huge weights decide the answer.');
});
