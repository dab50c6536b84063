import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bandChart } from '../../examples/figures/band-chart.ts';
import { page as figurePage } from '../../examples/figures/page.ts';
import { executablePath } from '../browser/page.ts';
import { PAGES } from './figures-fixture.ts';

let browser: Browser | undefined;
let page: Page | undefined;

beforeAll(async () => {
  if (executablePath === undefined) console.warn('SKIPPED: no Chromium found, so no figure was looked at.');
  else browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  page = await browser?.newPage({ viewport: { width: 960, height: 900 } });
});

afterAll(async () => {
  await browser?.close();
});

/** Opens an SVG file as the browser would, which refuses what is not XML. */
async function looked<T>(
  svg: string,
  colorScheme: 'light' | 'dark',
  use: (page: Page) => Promise<T>,
): Promise<T> {
  await page!.emulateMedia({ colorScheme });
  await page!.goto(`data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`);
  return use(page!);
}

/** Texts of a picture with their boxes in px, and the size of the page. */
const texts = (page: Page) =>
  page.evaluate(() => {
    const whole = document.documentElement.getBoundingClientRect();
    const boxes = [...document.querySelectorAll('text')]
      .filter((text) => text.textContent !== '')
      .map((text) => {
        const { left, right, top, bottom } = text.getBoundingClientRect();
        const size = Number.parseFloat(getComputedStyle(text).fontSize);
        return { text: text.textContent, left, right, top, bottom, size };
      });
    return { boxes, right: whole.right, bottom: whole.bottom };
  });

test.each(PAGES)(
  'page(): in a browser every text of %s is on the page, 11 px or more, over no other',
  async (_, svg) => {
    if (browser === undefined) return;
    const { boxes, right, bottom } = await looked(svg, 'light', texts);
    expect(boxes.length).toBeGreaterThan(3);
    for (const box of boxes) {
      expect(box.size, box.text).toBeGreaterThanOrEqual(11);
      expect(
        box.left >= 0 && box.right <= right && box.top >= 0 && box.bottom <= bottom,
        JSON.stringify(box),
      ).toBe(true);
    }
    // Boxes are as high as a line and hold air above and below the letters: 4 px may be shared.
    const touching = boxes.flatMap((a, i) =>
      boxes
        .slice(i + 1)
        .filter((b) => a.left < b.right && b.left < a.right && a.top + 4 < b.bottom && b.top + 4 < a.bottom)
        .map((b) => `${a.text} | ${b.text}`),
    );
    expect(touching).toEqual([]);
  },
);

test('page(): colours follow the reader and the numbers stand under what they name', async () => {
  if (browser === undefined) return;
  const chart = { caption: 'dots', xLabel: 'step', x: [0, 10], value: [0, 1], data: [{ x: 10, y: 1 }] };
  const svg = figurePage('Two dots', [[bandChart(chart)(600)]]);
  const look = (page: Page): Promise<{ ground: string; tick: number; dot: number }> =>
    page.evaluate(() => {
      const middle = (element: Element): number => {
        const { left, right } = element.getBoundingClientRect();
        return (left + right) / 2;
      };
      const ten = [...document.querySelectorAll('text')].find((text) => text.textContent === '10')!;
      return {
        ground: getComputedStyle(document.querySelector('.page')!).fill,
        tick: middle(ten),
        dot: middle(document.querySelector('circle')!),
      };
    });
  const light = await looked(svg, 'light', look);
  expect(Math.abs(light.tick - light.dot)).toBeLessThan(1.5);
  expect(light.ground).toBe('rgb(255, 255, 255)');
  expect((await looked(svg, 'dark', look)).ground).toBe('rgb(20, 23, 28)');
});
