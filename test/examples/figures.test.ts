import { expect, test } from 'vitest';
import * as report from '../../cli/report/palette.ts';
import { readColumns } from '../../examples/data/read.ts';
import { wrapped } from '../../examples/figures/axes.ts';
import { errorChart } from '../../examples/figures/error-chart.ts';
import { genealogyChart } from '../../examples/figures/genealogy-chart.ts';
import { plusMinus, tickText } from '../../examples/figures/numbers.ts';
import { sampleChart } from '../../examples/figures/sample-chart.ts';
import { DARK, LIGHT } from '../../examples/figures/style.ts';
import { binOf, coordinates, evenDraws, overRuns, sharesByRun } from '../../examples/figures/weighted.ts';
import { xmlFault } from '../cli/xml.ts';
import { FIGURES, PAGES } from './figures-fixture.ts';

test.each(PAGES)('page(): %s is one well-formed XML element that says what it shows', (_, svg) => {
  expect(xmlFault(svg)).toBeUndefined();
  expect(svg).toMatch(/^<svg [^>]*role="img" aria-label="Title [^"]{30,}"/);
  expect(Buffer.byteLength(svg)).toBeLessThan(150_000);
});

test.each(PAGES)('page(): %s holds no NaN, nothing loaded, and no text below 11 px', (_, svg) => {
  expect(svg).not.toMatch(/NaN|undefined|Infinity|null|\[object/);
  expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|@import|href/);
  expect([...svg.matchAll(/font(?:-size)?[:=]"?(\d+)/g)].every(([, size]) => Number(size) >= 11)).toBe(true);
});

test.each(PAGES)('page(): %s has light and dark colours by variables only', (_, svg) => {
  expect(svg).toContain('@media screen and (prefers-color-scheme:dark)');
  const drawn = svg.slice(svg.indexOf('</style>'));
  expect(drawn).not.toMatch(/#[0-9a-f]{3,8}\b|rgb\(/);
});

test('figures: their colours are those of the report', () => {
  for (const [name, colour] of Object.entries(LIGHT))
    expect(colour).toBe(report.LIGHT[name as keyof typeof LIGHT]);
  for (const [name, colour] of Object.entries(DARK))
    expect(colour).toBe(report.DARK[name as keyof typeof DARK]);
});

test('weightsChart(): names the worst step and counts the resamplings', () => {
  const { summary, markup } = FIGURES.weights!(924);
  expect(summary).toContain('resampled 15 times');
  expect(markup).toContain('step 38: 5.0 particles');
});

test('genealogyChart(): the caption counts the ancestors alive, and no line is drawn twice', () => {
  // Every resampling sends slots to their multiple of 4: one round leaves N / 4 ancestors, and more leave no fewer.
  const { markup, summary } = FIGURES.genealogy!(924);
  expect(summary).toContain('50 at step 0, 50 at step 20, 50 at step 39');
  const paths = [...markup.matchAll(/<path [^>]*d="(M[^"]*)"/g)].map(([, d]) => d!);
  const lines = paths[paths.length - 1]!.split('M').slice(1);
  expect(lines.length).toBe(50);
  expect(new Set(lines).size).toBe(lines.length);
});

test('genealogyChart(): lines that meet an earlier one end there', () => {
  const all = [undefined, new Uint32Array(8), undefined];
  const { markup } = genealogyChart({ particles: 8, ancestors: all })(400);
  const paths = [...markup.matchAll(/<path [^>]*d="(M[^"]*)"/g)].map(([, d]) => d!);
  // Slot 0 is level all the way; the others are level over the last step, then slant to slot 0, where they end.
  expect(paths[paths.length - 1]!.match(/[MHL]/g)!.join('')).toBe(`MH${'MHL'.repeat(7)}`);
});

test('sampleChart(): contours of highest density hold their shares of a normal law', () => {
  const logDensity = (x: Float64Array, out: Float64Array): void => {
    for (let i = 0; i < out.length; i++) out[i] = -0.5 * (x[2 * i]! ** 2 + x[2 * i + 1]! ** 2);
  };
  const frame = { x: [-5, 5], y: [-5, 5], xLabel: 'x' } as const;
  const { markup } = sampleChart({ ...frame, caption: 'c', points: [0, 0], logDensity })(1076);
  // 1000 px are 10 units: radii sqrt(-2 log(1 - share)), in hundredths of the width.
  const contours = [...markup.matchAll(/ d="(M[^"]*Z)"/g)].map(([, d]) => d!);
  const radii = contours.map((d) => {
    const x = [...d.matchAll(/[ML]([\d.]+),/g)].map(([, at]) => Number(at));
    return (Math.max(...x) - Math.min(...x)) / 200;
  });
  for (const [k, share] of [0.99, 0.9, 0.5].entries())
    expect(Math.abs(radii[k]! - Math.sqrt(-2 * Math.log(1 - share)))).toBeLessThan(0.04);
});

test('sampleChart(): 4000 dots at most, none outside of the frame', () => {
  const points = Float64Array.from({ length: 20_000 }, (_, at) => (at % 4 < 2 ? 0.5 : 7));
  const logDensity = (_: Float64Array, out: Float64Array): void => void out.fill(0).fill(1, 0, 40);
  const chart = { x: [0, 1], y: [0, 1], xLabel: 'x', caption: 'c', points, logDensity } as const;
  const { markup, summary } = sampleChart(chart)(400);
  expect(markup.match(/h0/g)).toHaveLength(1667);
  expect(summary).toContain('1667 of 10000 points are drawn');
});

test('residualChart(): bins off by more than two standard errors are counted, and those never met are left out', () => {
  const { summary } = FIGURES.residual!(400);
  // Shares that do not vary have no standard error either: 2 bins are left of 5.
  expect(summary).toBe('0 of 2 bars are off by more than two standard errors.');
});

test('massChart(): the total variations are told', () => {
  const { summary } = FIGURES.mass!(400);
  expect(summary).toContain('modes: 0.015, uncorrected 0.300.');
});

test('errorChart(): names of lines that end near each other stand apart', () => {
  const points = (end: number) => [8, 16].map((cost) => ({ cost, error: cost === 16 ? end : 1 }));
  const lines = [0.01, 0.0101, 0.0099].map((end, k) => ({ name: `line ${k}`, points: points(end) }));
  const { markup } = errorChart({ caption: 'c', xLabel: 'cost', lines })(600);
  const names = [
    ...markup.matchAll(
      /translate\([\d.]+,(-?[\d.]+)\)"[^>]*><text transform="translate\([\d.]+,([\d.]+)\)"[^>]*>line/g,
    ),
  ];
  const y = names.map(([, group, own]) => Number(group) + Number(own)).sort((p, q) => p - q);
  expect(y).toHaveLength(3);
  for (const k of [1, 2]) expect(y[k]! - y[k - 1]!).toBeGreaterThan(14);
});

test('evenDraws(), sharesByRun(), overRuns(): weighted points as equal ones, and shares with errors', () => {
  const sample = {
    points: Float64Array.of(1, 2, 3, 4),
    shape: [4, 1] as const,
    logWeight: Float64Array.of(0, Math.log(3), 0, -Infinity),
  };
  expect([...evenDraws(sample, 10)]).toEqual([1, 1, 2, 2, 2, 2, 2, 2, 3, 3]);
  const shares = sharesByRun(sample, 2, 2, (i) => i % 2);
  expect(shares.flat().map((share) => Number(share.toFixed(12)))).toEqual([0.25, 0.75, 1, 0]);
  const halves = [
    [0.25, 0.75],
    [1, 0],
  ];
  expect(overRuns(halves)).toEqual({ value: [0.625, 0.375], error: [0.375, 0.375] });
  expect([-1, 0, 1.5, 2, 3].map((value) => binOf(value, [0, 1, 2, 3]))).toEqual([-1, 0, 1, 2, -1]);
  expect([...coordinates(Float64Array.of(1, 2, 3, 4, 5, 6), 3, [2, 0])]).toEqual([3, 1, 6, 4]);
});

test('plusMinus(): the error keeps two digits when the first is 1 or 2, else one, and both stop there', () => {
  expect(plusMinus(-632.5448, 0.0371)).toBe('-632.54 +/- 0.04');
  expect(plusMinus(0.34481, 0.0123)).toBe('0.345 +/- 0.012');
  expect(plusMinus(1.018e-6, 8.4e-8)).toBe('1.02e-6 +/- 0.08e-6');
  expect(plusMinus(1250.4, 31)).toBe('1250 +/- 31');
  expect(plusMinus(0.5, Number.NaN)).toBe('0.5000 +/- n/a');
});

test('tickText(): thousands are spaced from 10 000 on and small numbers keep their power', () => {
  expect([0, 0.25, -3, 1970, 12_000, 1e-6].map(tickText)).toEqual([
    ...['0', '0.25', '-3', '1970', '12\u2009000', '1e-6'],
  ]);
});

test('wrapped(): no line is longer than its room unless one word is, and no word is lost', () => {
  const text = 'a bb ccc dddd eeeeeeeeeeeeeeee f';
  const lines = wrapped(text, 60, 6);
  expect(lines.join(' ')).toBe(text);
  expect(lines.every((line) => line.length <= 10 || !line.includes(' '))).toBe(true);
});

test('readColumns(): the data are complete and ordered', () => {
  const nile = readColumns('nile.csv');
  expect(nile.year!.map(Number)).toEqual(Array.from({ length: 100 }, (_, i) => 1871 + i));
  // Mean and variance as printed for R's Nile: 919.35 and 28637.95.
  const flow = nile.flow!.map(Number);
  const mean = flow.reduce((a, b) => a + b) / 100;
  expect(mean).toBeCloseTo(919.35, 10);
  expect(flow.reduce((sum, q) => sum + (q - mean) ** 2, 0) / 99).toBeCloseTo(28637.95, 2);
  const rates = readColumns('eur-usd.csv');
  expect(rates.date!.length).toBe(1025);
  expect([...rates.date!].sort()).toEqual(rates.date);
  expect(rates.usd!.map(Number).every((rate) => rate > 1.1 && rate < 1.7)).toBe(true);
  const shuttle = readColumns('shuttle.csv');
  expect(shuttle.distress!.filter((distress) => distress === '1').length).toBe(7);
  const fixes = readColumns('gladys.csv').time!.map((time) => Date.parse(time) / 3_600_000);
  expect(fixes.every((hour, i) => i === 0 || hour - fixes[i - 1]! === 6)).toBe(true);
});
