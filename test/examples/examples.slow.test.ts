import { existsSync, readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { xmlFault } from '../cli/xml.ts';

// Each example prints 'name: estimate +/- standard error, exact value', the error from 16 runs: the bound is Student's with
// 15 degrees of freedom, false alarm 1e-6 a line. It notices an estimate that is wrong by 12 of its errors 99 % of the time.
const FARTHEST = 7.91;
const EXAMPLES = {
  'denoising-modes': 4,
  'failure-probability': 2,
  guidance: 4,
  'hundred-laws': 3,
  integrators: 0,
  'logistic-evidence': 3,
  nile: 2,
  'product-of-models': 4,
  'rare-event': 1,
  'reward-tilt': 3,
  'tail-moment': 3,
  'tempered-modes': 3,
  tracking: 4,
  'tree-ring8': 2,
  'tree-search': 0,
  volatility: 1,
  'what-if': 3,
};
const LINE = /: (-?[\d.]+)(e-?\d+)? \+\/- ([\d.]+)(e-?\d+)?.*exact (-?[\d.]+(?:e-?\d+)?)/;

test.each(Object.entries(EXAMPLES))(
  'examples/%s.ts prints %i estimates that agree with the exact values, and draws its picture',
  async (name, count) => {
    const print = vi.spyOn(console, 'log').mockImplementation(() => {});
    await import(`../../examples/${name}.ts`);
    const lines = print.mock.calls.map(([line]) => String(line));
    print.mockRestore();
    const told = lines.map((line) => LINE.exec(line)).filter((found) => found !== null);
    expect(told.length, lines.join('\n')).toBe(count);
    for (const [line, value, power = '', error, , exact] of told)
      expect(
        Math.abs(Number(`${value}${power}`) - Number(exact)) / Number(`${error}${power}`),
        line,
      ).toBeLessThan(FARTHEST);
    for (const suffix of ['', '-narrow']) {
      const file = new URL(`../../examples/out/${name}${suffix}.svg`, import.meta.url);
      expect(existsSync(file)).toBe(true);
      const svg = readFileSync(file, 'utf8').trim();
      expect(xmlFault(svg)).toBeUndefined();
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    }
  },
);
