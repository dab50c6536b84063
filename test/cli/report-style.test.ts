import { expect, test } from 'vitest';
import { DARK, LIGHT, type Palette, RAMP_STOPS, rampText } from '../../cli/report/palette.ts';
import { pageStyle } from '../../cli/report/style.ts';

type Color = readonly [number, number, number];

function channels(hex: string): Color {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255) as unknown as Color;
}

/** Relative luminance, WCAG 2.2. */
function luminance(color: Color): number {
  const [r, g, b] = color.map((c) =>
    c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4,
  ) as unknown as Color;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: Color, b: Color): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function mixed(top: Color, under: Color, opacity: number): Color {
  return top.map((c, i) => c * opacity + under[i]! * (1 - opacity)) as unknown as Color;
}

/** The palette as the style sheet says it, so that the sheet is what is tested. */
function fromSheet(start: string): Palette {
  const sheet = pageStyle();
  const block = sheet.slice(sheet.indexOf(start)).match(/\{((?:color-scheme:light dark;)?--[^}]*)\}/)![1]!;
  return Object.fromEntries(
    block
      .split(';')
      .filter((part) => part.startsWith('--'))
      .map((part) => part.slice(2).split(':')),
  ) as unknown as Palette;
}

const THEMES: readonly [string, Palette][] = [
  ['light', fromSheet(':root{color-scheme')],
  ['dark', fromSheet('@media screen and (prefers-color-scheme:dark)')],
];

test('pageStyle(): both themes stand in the sheet in full', () => {
  expect(Object.fromEntries(THEMES)).toEqual({ light: LIGHT, dark: DARK });
});

test.each(THEMES)('palette (%s): text has a contrast of 4.5 to the page, marks one of 3', (_, palette) => {
  const to = (name: keyof Palette, ground: keyof Palette): number =>
    contrast(channels(palette[name]), channels(palette[ground]));
  for (const name of ['ink', 'muted', 'first', 'third', 'warn'] as const)
    expect(to(name, 'bg'), name).toBeGreaterThanOrEqual(4.5);
  for (const name of ['ink', 'muted', 'warn'] as const)
    expect(to(name, 'warn-bg'), `${name} in a warning`).toBeGreaterThanOrEqual(4.5);
  for (const name of ['total', 'rule', 'bar'] as const)
    expect(to(name, 'bg'), name).toBeGreaterThanOrEqual(3);
  expect(to('first', 'total-fill'), 'line over its band').toBeGreaterThanOrEqual(3);
  expect(to('muted', 'seq0'), 'dots of pairs').toBeGreaterThanOrEqual(3);
});

test.each(THEMES)('palette (%s): a number on the ramp is readable wherever it stands', (_, palette) => {
  for (let t = 0; t <= 1.0001; t += 0.01) {
    const ground = mixed(channels(palette.seq1), channels(palette.seq0), Math.min(1, t));
    expect(contrast(channels(palette[rampText(t)]), ground), t.toFixed(2)).toBeGreaterThanOrEqual(4.5);
  }
  expect(RAMP_STOPS[0]).toBeLessThan(RAMP_STOPS[1]);
});

test('pageStyle(): paper gets the light colours, the wide drawings, and no buttons', () => {
  const sheet = pageStyle();
  expect(sheet).toMatch(/@media print\{[^@]*\.dl,button\.sort\{display:none\}/);
  expect(sheet).toContain('break-inside:avoid');
  // Dark colours and narrow drawings are for screens only.
  for (const [rule] of sheet.matchAll(/@media[^{]*\((?:max-width|prefers-color-scheme)[^{]*\{/g))
    expect(rule).toContain('screen and');
});

test('pageStyle(): no text is set below 11 px', () => {
  const sizes = [...pageStyle().matchAll(/(?:font-size:|font:[^;}]*?)(\d+)px/g)].map(([, size]) =>
    Number(size),
  );
  expect(sizes.length).toBeGreaterThan(5);
  expect(Math.min(...sizes)).toBeGreaterThanOrEqual(11);
});
