import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { renderReport } from '../../cli/report/render.ts';
import { renderExpectations } from '../../cli/report/render-expectations.ts';
import { MIXED, madeReport } from './expect-fixture.ts';
import { madeInput } from './report-fixture.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const SIZES: Readonly<Record<string, BrowserContextOptions>> = {
  light: { viewport: { width: 1000, height: 900 }, colorScheme: 'light' },
  dark: { viewport: { width: 1000, height: 900 }, colorScheme: 'dark' },
  tablet: { viewport: { width: 768, height: 1000 }, colorScheme: 'light' },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: 'light' },
};
const PAGES: Readonly<Record<string, string>> = {
  one: renderReport(madeInput({ secondOrder: true }, { target: 0.01 })),
  names: renderReport(
    madeInput({
      names: ['<b>', 'a"b', '=1+1', 'n'.repeat(60), '流量', '🌊', 'a&amp;b'],
      secondOrder: true,
      cross: 0.8,
    }),
  ),
  many: renderReport(madeInput({ names: Array.from({ length: 40 }, (_, i) => `input number ${i}`) })),
  outputs: renderReport(madeInput({ outputs: ['level', 'speed'], secondOrder: true })),
  series: renderReport(
    madeInput(
      {
        names: ['Q', 'Ks', 'Zv'],
        outputs: Array.from({ length: 30 }, (_, t) => `h${t}`),
        shape: (i, t) => 1 + ((i * t) % 7),
      },
      { series: { name: 'level', axis: 'time', axisUnit: 'h', at: Array.from({ length: 30 }, (_, t) => t) } },
    ),
  ),
  expectations: renderExpectations(
    madeReport(MIXED, { kinds: ['level', 'level', 'event', 'event', 'function'] }),
  ),
};

/** CHROMIUM, or the first browser of the family on PATH. */
function browserPath(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = [
    process.env.CHROMIUM ?? '',
    ...folders.flatMap((folder) => NAMES.map((name) => join(folder, name))),
  ];
  return candidates.find((path) => path !== '' && existsSync(path));
}

const path = browserPath();
const folder = mkdtempSync(join(tmpdir(), 'ensample-report-'));
let browser: Browser | undefined;

beforeAll(async () => {
  if (path === undefined) {
    console.warn(`SKIPPED: no Chromium found (CHROMIUM is not set, none of ${NAMES.join(', ')} is on PATH).`);
    return;
  }
  browser = await chromium.launch({ executablePath: path, args: ['--no-sandbox'] });
  for (const [name, html] of Object.entries(PAGES)) writeFileSync(join(folder, `${name}.html`), html);
});

afterAll(async () => {
  await browser?.close();
});

/** Pages of a browser by its settings: a new one takes more time than most of what is looked at. */
const opened = new Map<string, Promise<Page>>();
/** What may be loaded, and whatever else was asked for or complained about. */
let own = '';
let trouble: string[] = [];

async function pageWith(options: BrowserContextOptions): Promise<Page> {
  const context = await browser!.newContext(options);
  await context.route('**/*', (route) => {
    if (route.request().url() === own) return route.continue();
    trouble.push(`asked for ${route.request().url()}`);
    return route.abort();
  });
  const page = await context.newPage();
  page.on('console', (message) => trouble.push(message.text()));
  page.on('pageerror', (error) => trouble.push(String(error)));
  return page;
}

/** Opens a page with network blocked; `use` looks at it, then whatever it tried to load or complained about comes back. */
async function visit(
  name: string,
  options: BrowserContextOptions,
  use: (page: Page) => Promise<void>,
): Promise<string[]> {
  const key = JSON.stringify(options);
  const pending = opened.get(key) ?? pageWith(options);
  opened.set(key, pending);
  const page = await pending;
  trouble = [];
  own = pathToFileURL(join(folder, `${name}.html`)).href;
  await page.goto(own);
  await use(page);
  // The page has ended, and with it what it may still say.
  own = 'about:blank';
  await page.goto(own);
  return trouble;
}

/** Smallest text on screen, px; drawings too wide for the page; texts that leave their drawing or touch another. */
function layout(): { smallest: number; wide: number; outside: string[]; touching: string[] } {
  const shown = [...document.querySelectorAll('svg')].filter((svg) => svg.getBoundingClientRect().width > 0);
  const out = {
    smallest: Number.POSITIVE_INFINITY,
    wide: 0,
    outside: [] as string[],
    touching: [] as string[],
  };
  out.wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  for (const element of document.querySelectorAll('p,td,th,figcaption,code,dd,small'))
    out.smallest = Math.min(out.smallest, Number.parseFloat(getComputedStyle(element).fontSize));
  for (const svg of shown) {
    const frame = svg.getBoundingClientRect();
    const scale = frame.width / svg.viewBox.baseVal.width;
    const texts = [...svg.querySelectorAll('text')].map((text) => ({
      text,
      box: text.getBoundingClientRect(),
    }));
    for (const { text, box } of texts) {
      out.smallest = Math.min(out.smallest, Number.parseFloat(getComputedStyle(text).fontSize) * scale);
      if (
        box.left < frame.left - 1 ||
        box.right > frame.right + 1 ||
        box.top < frame.top - 1 ||
        box.bottom > frame.bottom + 1
      )
        out.outside.push(text.textContent ?? '');
    }
    // Boxes are taller than their letters, so neighbours above each other may share up to 4 px.
    for (let i = 0; i < texts.length; i++)
      for (let j = i + 1; j < texts.length; j++) {
        const [a, b] = [texts[i]!.box, texts[j]!.box];
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (across > 0.5 && down > 4 * scale)
          out.touching.push(`${texts[i]!.text.textContent} | ${texts[j]!.text.textContent}`);
      }
  }
  return out;
}

/** A page at rest in one size; `colorScheme` and `viewport` are all that sizes differ in. */
async function expectLaidOut(page: Page, size: string): Promise<void> {
  const { viewport, colorScheme } = SIZES[size]!;
  await page.setViewportSize(viewport!);
  await page.emulateMedia({ colorScheme: colorScheme! });
  const found = await page.evaluate(layout);
  expect(found.outside, `texts cut off, ${size}`).toEqual([]);
  expect(found.touching, `texts over each other, ${size}`).toEqual([]);
  expect(found.smallest, size).toBeGreaterThanOrEqual(10.99); // positions are rounded to 0.01 px
  expect(found.wide, size).toBe(0);
  expect((await page.screenshot()).length, size).toBeGreaterThan(10_000);
}

test.runIf(path !== undefined).each(Object.keys(PAGES))(
  'report: without network and script all text is inside, apart and 11 px or more, in every size (%s)',
  async (name) => {
    const told = await visit(name, { javaScriptEnabled: false }, async (page) => {
      // Colours do not move anything: one page in the dark is enough.
      for (const size of Object.keys(SIZES))
        if (size !== 'dark' || name === 'one') await expectLaidOut(page, size);
    });
    expect(told).toEqual([]);
  },
);

test.runIf(path !== undefined).each(Object.keys(PAGES))(
  "report: the browser's own XML parser takes every drawing (%s)",
  async (name) => {
    await visit(name, {}, async (page) => {
      const faults = await page.evaluate(() => {
        const source = document.documentElement.outerHTML;
        const raw = source.match(/<svg[\s\S]*?<\/svg>/g) ?? [];
        const bad = raw.filter((text) =>
          new DOMParser().parseFromString(text, 'image/svg+xml').querySelector('parsererror'),
        );
        return { drawings: raw.length, bad: bad.length };
      });
      expect(faults.bad).toBe(0);
      expect(faults.drawings).toBeGreaterThan(5);
    });
  },
);

test.runIf(path !== undefined)('report: with script, bars and tables sort and go back', async () => {
  const told = await visit('one', SIZES.light!, async (page) => {
    const names = (): Promise<string[]> =>
      page.evaluate(() =>
        [...document.querySelectorAll('tbody td:first-child')].map((cell) => cell.textContent ?? ''),
      );
    const before = await names();
    await page.click('th:nth-child(5) button');
    expect((await names()).slice(0, 4)).toEqual(['Q', 'Hd', 'Zv', 'Ks']);
    await page.click('th:nth-child(5) button');
    await page.click('th:nth-child(5) button');
    expect(await names()).toEqual(before);
    await page.click('button.sort');
    const tops = await page.evaluate(() =>
      [...document.querySelectorAll('.wide g[data-total]')].map((row) => row.getBoundingClientRect().top),
    );
    expect(tops[4]! < tops[2]! && tops[2]! < tops[1]!, 'Hd above Zv above Ks').toBe(true);
    await page.click('button.sort');
  });
  expect(told).toEqual([]);
});

test.runIf(path !== undefined)(
  'report: on paper colours are light and nothing is folded or clickable',
  async () => {
    await visit('outputs', { ...SIZES.dark!, javaScriptEnabled: false }, async (page) => {
      await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
      const seen = await page.evaluate(() => ({
        ground: getComputedStyle(document.body).backgroundColor,
        links: getComputedStyle(document.querySelector('.dl')!).display,
        wide: getComputedStyle(document.querySelector('.wide')!).display,
      }));
      expect(seen).toEqual({ ground: 'rgb(255, 255, 255)', links: 'none', wide: 'block' });
      expect((await page.pdf({ format: 'A4' })).length).toBeGreaterThan(20_000);
    });
  },
);
