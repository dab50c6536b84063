import { expect, test } from 'vitest';
import { innerTicks, niceAxis, tickText } from '../../cli/report/charts/axis.ts';
import { rateSentence, slope } from '../../cli/report/charts/rate.ts';
import { apart } from '../../cli/report/charts/spread.ts';
import { fitNames, textWidth } from '../../cli/report/charts/text.ts';
import { emphasised } from '../../cli/report/emphasis.ts';
import { indicesChart } from '../../cli/report/figures.ts';
import { renderReport } from '../../cli/report/render.ts';
import { conditional, histogram, sorted } from '../../cli/report/statistics.ts';
import { type Made, madeInput, madeResult } from './report-fixture.ts';
import { xmlFault } from './xml.ts';

const WEIRD = [
  '<b>',
  'a"b',
  "it's",
  '=1+1',
  'n'.repeat(60),
  '流量',
  '🌊',
  'a&amp;b',
  'tab\u0001\u202e',
  '$& $1',
];
const SERIES: Made = {
  names: ['Q', 'Ks', 'Zv'],
  outputs: Array.from({ length: 40 }, (_, t) => `h${t}`),
  shape: (i, t) => (t === 0 ? 1e-5 : Math.exp(-(((t - i * 12) / 10) ** 2))),
};
const AXIS = {
  name: 'level',
  unit: 'm',
  axis: 'time',
  axisUnit: 'h',
  at: SERIES.outputs!.map((_, t) => t / 4),
};

const PAGES: Readonly<Record<string, string>> = {
  plain: renderReport(madeInput({ secondOrder: true }, { target: 0.01 })),
  'weird names': renderReport(madeInput({ names: WEIRD, secondOrder: true, cross: 0.8 }, weirdText())),
  '40 inputs': renderReport(
    madeInput({ names: Array.from({ length: 40 }, (_, i) => `x${i}`), secondOrder: true }),
  ),
  '12 outputs': renderReport(madeInput({ outputs: WEIRD, secondOrder: true })),
  series: renderReport(madeInput(SERIES, { series: AXIS })),
  'unnamed series': renderReport(madeInput(SERIES)),
  constant: renderReport(madeInput({ constant: true, secondOrder: true })),
  'one replicate': renderReport(madeInput({ replicates: 1, secondOrder: true })),
  'one input': renderReport(madeInput({ names: ['x'], secondOrder: true })),
  'two points': renderReport(madeInput({ points: 2 })),
};

function weirdText(): Parameters<typeof madeInput>[1] {
  return {
    lead: [`${WEIRD[0]} alone explains 40 % of ${WEIRD[1]} & more.`],
    warnings: [{ code: 'negative-index', message: `S1 of ${WEIRD[0]} is -0.0021; read it as 0.` }],
    outputs: [{ name: '<i>y</i>', label: '<i>level</i>', unit: '"m"' }],
    inputs: WEIRD.map((name) => ({ name, law: 'uniform on [0, 1] <x>', unit: '<kg>' })),
    command: 'ensample sobol "a b.ts" --x <y> & echo',
    settings: '</p><script>alert(1)</script>',
  };
}

/** Keeps a page of 100 kB out of the message of a failure. */
function shows(page: string | undefined, text: string): boolean {
  return page?.includes(text) ?? false;
}

/** What a pattern finds, with some text around it. */
function found(text: string, pattern: RegExp): string | undefined {
  const at = text.search(pattern);
  return at < 0 ? undefined : text.slice(Math.max(0, at - 60), at + 60);
}

/** The page without what its links carry and without its script. */
function visible(page: string): string {
  return page.replace(/base64,[^"]*/g, '').replace(/<script>[\s\S]*?<\/script>/g, '');
}

test.each(Object.entries(PAGES))(
  'renderReport(): every SVG is well-formed XML and says what it shows (%s)',
  (_, page) => {
    const pictures = page.match(/<svg[\s\S]*?<\/svg>/g) ?? [];
    for (const picture of pictures) {
      expect(xmlFault(picture)).toBeUndefined();
      expect(/^<svg [^>]*role="img" aria-label="[^"]{10,}"/.test(picture), picture.slice(0, 300)).toBe(true);
    }
  },
);

test('xmlFault(): sees the faults that would break a picture', () => {
  for (const bad of [
    '<a b="<"/>',
    '<a><b></a>',
    '<a>x & y</a>',
    '<a b="1" b="2"/>',
    '<a/><b/>',
    '<a>\u0001</a>',
    '<a',
  ])
    expect(xmlFault(bad), bad).toBeDefined();
  expect(xmlFault('<a b="1 &lt; 2"><c/>x &amp; y</a>')).toBeUndefined();
});

test.each(Object.entries(PAGES))(
  'renderReport(): nothing is loaded and no path or NaN is shown (%s)',
  (_, page) => {
    const text = visible(page);
    const loads = /https?:|\/\/[a-z]|url\(|@import|srcset|<link|<img|<iframe/;
    expect(found(text.replaceAll('http://www.w3.org/2000/svg', ''), loads)).toBeUndefined();
    expect([...text.matchAll(/ (?:src|href)="([^"]*)"/g)].every(([, at]) => at!.startsWith('data:'))).toBe(
      true,
    );
    expect(found(text, /NaN|undefined|Infinity|\[object|null/)).toBeUndefined();
    expect(found(text, /-0\.0+(?!\d)/)).toBeUndefined();
  },
);

test.each(Object.entries(PAGES))(
  'renderReport(): a page without raw data is under 300 kB (%s)',
  (_, page) => {
    expect(Buffer.byteLength(page)).toBeLessThan(300_000);
  },
);

test('renderReport(): names and sentences that look like markup stay text', () => {
  const page = PAGES['weird names']!;
  expect(shows(page, '<script>alert')).toBe(false);
  expect(shows(page, '<i>')).toBe(false);
  expect(shows(page, '<b><b>')).toBe(false);
  expect(shows(page, '<td><bdi>&lt;b&gt;</bdi></td>')).toBe(true);
  expect(shows(page, '<td><bdi>a&amp;amp;b</bdi></td>')).toBe(true);
  expect(shows(page, '<td><bdi>a&quot;b</bdi></td>')).toBe(true);
  expect(shows(page, '🌊')).toBe(true);
  expect(shows(page, '\u202e')).toBe(false);
  expect(page.match(/<script>/g)).toHaveLength(1);
});

test('renderReport(): the links hold the files byte for byte', () => {
  const input = madeInput({ names: WEIRD });
  const links = [
    ...renderReport(input).matchAll(/<a download="([^"]+)" href="data:[^;]+;charset=utf-8;base64,([^"]+)"/g),
  ];
  const files = Object.fromEntries(
    links.map(([, name, data]) => [name, Buffer.from(data!, 'base64').toString('utf8')]),
  );
  expect(Object.keys(files)).toEqual(['flood-indices.csv', 'flood-indices.json']);
  expect(files['flood-indices.csv']).toBe(input.csv);
  expect(JSON.parse(files['flood-indices.json']!).ST).toEqual([...input.result.totalOrder.value]);
});

test('renderReport(): above 2 MB only the JSON stays in the page, and a sentence says so', () => {
  const page = renderReport(madeInput({}, { csv: 'x'.repeat(2_000_001) }));
  expect(shows(page, 'text/csv')).toBe(false);
  expect(shows(page, 'application/json')).toBe(true);
  expect(shows(page, '--csv FILE writes it')).toBe(true);
});

test('renderReport(): up to 30 inputs stand in the order of the user, in an open table', () => {
  const names = Array.from({ length: 30 }, (_, i) => `in_${29 - i}`);
  const page = renderReport(madeInput({ names }));
  expect([...page.matchAll(/<tr><td><bdi>([^<]*)/g)].map(([, name]) => name)).toEqual(names);
  expect(shows(page, '<details>')).toBe(false);
});

test('renderReport(): of more inputs the 20 largest are drawn, and the folded table begins with the largest', () => {
  const names = Array.from({ length: 40 }, (_, i) => `in_${i}`);
  const page = renderReport(madeInput({ names, weights: names.map((_, i) => (i === 33 ? 2 : 1 / (i + 1))) }));
  const rows = [...page.matchAll(/<tr><td><bdi>([^<]*)/g)].map(([, name]) => name);
  expect(rows).toHaveLength(40);
  expect(rows[0]).toBe('in_33');
  expect(/20 others: each ST below 0\.\d+/.test(page)).toBe(true);
  expect(shows(page, '<details><summary>All 40 inputs as a table</summary>')).toBe(true);
});

test('renderReport(): a table shows the numbers of the result, ends rounded outwards', () => {
  const result = madeResult();
  const page = PAGES.plain!;
  const row = page.match(/<tr><td><bdi>Ks<\/bdi><\/td>(.*?)<\/tr>/)![1]!;
  const cells = [...row.matchAll(/<td[^>]*>([^<]*)<\/td>/g)].map(([, text]) => Number(text));
  const { value, low, high } = result.totalOrder;
  expect(cells[3]).toBeCloseTo(value[1]!, 4);
  expect(cells[4]).toBeLessThanOrEqual(low[1]!);
  expect(cells[5]).toBeGreaterThanOrEqual(high[1]!);
  expect(cells[4]).toBeGreaterThan(low[1]! - 1.1e-4);
});

test('renderReport(): without a reason to flag a pair there is one sentence and no picture', () => {
  const none = renderReport(madeInput({ secondOrder: true, cross: 0 }));
  expect(shows(none, 'None of the 28 pairs is told from 0 (each tested at the level 1 - 0.05/28')).toBe(true);
  expect(shows(none, 'Second-order indices; pairs that differ from 0')).toBe(false);
  expect(shows(PAGES.plain, 'Second-order indices; pairs that differ from 0: Q x Ks')).toBe(true);
});

test('renderReport(): missing numbers are n/a with their reason', () => {
  expect(shows(PAGES.constant, 'n/a: the output never changed')).toBe(true);
  expect(shows(PAGES['one replicate'], 'n/a: intervals need two whole replicates')).toBe(true);
  expect(shows(PAGES['one replicate'], 'Without intervals no pair can be told from 0')).toBe(true);
});

test('renderReport(): a series has its strip, other outputs have one folded section each', () => {
  expect(shows(PAGES.series, '<h2>Over time</h2>')).toBe(true);
  expect(shows(PAGES.series, 'What drives level (m)?')).toBe(true);
  expect(shows(PAGES.series, 'Grey: variance below 1e-6 of its maximum')).toBe(true);
  expect(shows(PAGES['unnamed series'], '<h2>Output by output</h2>')).toBe(true);
  expect(PAGES['12 outputs']!.match(/<details>/g)).toHaveLength(WEIRD.length);
});

test('renderReport(): the same input gives the same page', () => {
  expect(renderReport(madeInput(SERIES, { series: AXIS }))).toBe(PAGES.series);
});

test('renderReport(): a page of 8 inputs and 16 384 points takes half a second of processor time', () => {
  const input = madeInput({ points: 16_384, secondOrder: true });
  // Time of the processor, not of the clock: other work on the machine must not matter.
  const times = [0, 1, 2].map(() => {
    const start = process.cpuUsage();
    renderReport(input);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  });
  expect(Math.min(...times)).toBeLessThan(500);
});

test('indicesChart(): a stand-alone picture has its own colours and is well-formed', () => {
  const light = indicesChart(madeResult({ names: WEIRD }), { width: 700 });
  expect(xmlFault(light)).toBeUndefined();
  expect(shows(light, '--first:#0b4f8a')).toBe(true);
  expect(shows(light, 'prefers-color-scheme')).toBe(false);
  expect(shows(indicesChart(madeResult(), { theme: 'dark' }), '--first:#8ecbff')).toBe(true);
  const forest = indicesChart(madeResult({ names: Array.from({ length: 40 }, (_, i) => `x${i}`) }));
  expect(forest.match(/<title>/g)).toHaveLength(20);
});

test('emphasised(): names are bold as words of their own only', () => {
  expect(emphasised('Q and Qx carry a lot.', ['Q', 'a'])).toBe('<b>Q</b> and Qx carry a lot.');
  expect(emphasised('x.y (0.2) and x', ['x', 'x.y'])).toBe('<b>x.y</b> (0.2) and <b>x</b>');
});

test('conditional(): bins hold equal numbers of points, and mean and band are those of the points in them', () => {
  const x = Float64Array.from({ length: 100 }, (_, i) => (i * 37) % 100);
  const bins = conditional(
    x,
    x.map((v) => 2 * v),
    5,
  );
  expect(bins.map(({ x: middle }) => middle)).toEqual([9.5, 29.5, 49.5, 69.5, 89.5]);
  expect(bins.map(({ mean }) => mean)).toEqual([19, 59, 99, 139, 179]);
  expect(bins[0]!.low).toBeCloseTo(3.8, 12); // 10 % point of 0, 2, ..., 38
  expect(bins[0]!.high).toBeCloseTo(34.2, 12);
});

test('conditional(): a discrete input has a bin a value, and points that failed are left out', () => {
  const x = Float64Array.from({ length: 90 }, (_, i) => i % 3);
  const y = Float64Array.from(x, (v, i) => (i < 3 ? Number.NaN : v * v));
  expect(conditional(x, y, 20).map(({ x: middle, mean }) => [middle, mean])).toEqual([
    [0, 0],
    [1, 1],
    [2, 4],
  ]);
});

test('histogram(): counts every value once and keeps to its limits on the bins', () => {
  const values = sorted(Float64Array.from({ length: 1000 }, (_, i) => Math.tan((i + 0.5) / 1000 - 0.5) ** 3));
  const bins = histogram(values, 20, 60)!;
  expect(bins.counts.reduce((a, b) => a + b)).toBe(1000);
  expect(bins.counts.length).toBeGreaterThanOrEqual(20);
  expect(bins.counts.length).toBeLessThanOrEqual(60);
  expect(bins.low + bins.width * bins.counts.length).toBeCloseTo(values[999]!, 12);
  expect(histogram(sorted([1, 1, 1]), 20, 60)).toBeUndefined();
  expect(histogram(sorted([]), 20, 60)).toBeUndefined();
});

test('slope(): finds the power of widths that shrink like a power of the points', () => {
  for (const power of [-0.5, -1, -1.5]) {
    const marks = [256, 512, 1024, 2048].map((points) => ({ points, half: 3 * points ** power }));
    expect(slope(marks)).toBeCloseTo(power, 12);
    expect(rateSentence(marks)).toContain(power === -0.5 ? '1/√n (power -0.5)' : '1/n');
  }
});

test('niceAxis(): round steps that cover the range, also when it is a single number', () => {
  expect(niceAxis(0, 0.37, 5).ticks).toEqual([0, 0.1, 0.2, 0.3, 0.4]);
  expect(niceAxis(0, 1.01, 5).high).toBe(1.2);
  expect(niceAxis(-3, 17, 5).ticks).toEqual([-5, 0, 5, 10, 15, 20]);
  expect(niceAxis(2, 2, 5).ticks.length).toBeGreaterThan(1);
  expect(innerTicks(-3.14, 3.14, 4).ticks).toEqual([-2, 0, 2]);
  expect(tickText(-0.0001, 2)).toBe('0.00');
});

test('fitNames(): short names stay, long ones are cut in the middle, no two look alike', () => {
  const long = ['soil_conductivity_1_top', 'soil_conductivity_2_top', 'soil_conductivity_3_top', 'x'];
  const cut = fitNames(long, 70);
  expect(new Set(cut).size).toBe(4);
  expect(cut[3]).toBe('x');
  for (const name of cut) expect(textWidth(name)).toBeLessThanOrEqual(70);
});

test('apart(): labels keep their order and distance, and stay inside', () => {
  for (const [positions, low, high] of [
    [[20, 21, 60], 18, 400],
    [[398, 399, 397], 18, 400],
    [[100, 300, 200], 18, 400],
  ] as const) {
    const moved = apart(positions, 40, low, high);
    const order = [...positions.keys()].sort((a, b) => positions[a]! - positions[b]!);
    const sorted = order.map((i) => moved[i]!);
    for (let k = 1; k < sorted.length; k++)
      expect(sorted[k]! - sorted[k - 1]!).toBeGreaterThanOrEqual(40 - 1e-9);
    expect(sorted[0]).toBeGreaterThanOrEqual(low);
    expect(sorted[2]).toBeLessThanOrEqual(high);
  }
  expect(apart([100, 300, 200], 40, 18, 400)).toEqual([100, 300, 200]);
});
