import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { build } from 'esbuild';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { buildPage, leaveOut } from '../../examples/browser/build.ts';
import { type Served, servePage } from '../../examples/browser/serve.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** CHROMIUM, or the first browser of the family on PATH. */
function browserPath(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [process.env.CHROMIUM ?? '', ...candidates].find((path) => path !== '' && existsSync(path));
}

export const executablePath: string | undefined = browserPath();
/** Why nothing can be looked at in a browser; undefined when something can. */
const whyNot: string | undefined =
  executablePath === undefined
    ? `no Chromium found (CHROMIUM is not set, none of ${NAMES.join(', ')} is on PATH); apt-get install chromium enables these tests`
    : undefined;
if (whyNot !== undefined && process.env.ENSAMPLE_REQUIRE_GPU === '1')
  throw new Error(`ENSAMPLE_REQUIRE_GPU=1, but ${whyNot}`);

/** WebGPU by SwiftShader, a program on the processor. */
const SOFTWARE_GPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

/** Bundles a module of the tests into a page of its own; answers its address. */
export async function servePart(source: string): Promise<Served> {
  const folder = `${mkdtempSync(join(tmpdir(), 'ensample-part-'))}/`;
  await build({
    entryPoints: [source],
    bundle: true,
    format: 'esm',
    outfile: `${folder}part.js`,
    logLevel: 'error',
    plugins: [leaveOut],
  });
  writeFileSync(
    `${folder}index.html`,
    '<!doctype html><link rel="icon" href="data:,"><script type="module" src="part.js"></script>',
  );
  return servePage({ folder, names: ['index.html', 'part.js'] });
}

/** The built page, served with and without isolation headers, and a browser with and one without WebGPU. */
export interface Stage {
  readonly folder: string;
  readonly sizes: Readonly<Record<string, number>>;
  readonly isolated: Served;
  readonly plain: Served;
  readonly withGpu: Browser;
  readonly withoutGpu: Browser;
  close(): Promise<void>;
}

async function openStage(gpu: boolean): Promise<Stage> {
  const folder = `${mkdtempSync(join(tmpdir(), 'ensample-page-'))}/`;
  const sizes = await buildPage(folder);
  const names = Object.keys(sizes);
  const launch = (args: readonly string[]): Promise<Browser> =>
    chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox', ...args] });
  const [isolated, plain, withoutGpu, withGpu] = await Promise.all([
    servePage({ folder, names }),
    servePage({ folder, names, isolated: false }),
    launch([]),
    gpu ? launch(SOFTWARE_GPU) : undefined,
  ]);
  return {
    folder,
    sizes,
    isolated,
    plain,
    get withGpu() {
      if (withGpu === undefined)
        throw new RangeError('this stage was asked for without a browser with WebGPU');
      return withGpu;
    },
    withoutGpu,
    async close() {
      await Promise.all([withGpu, withoutGpu, isolated, plain].map((part) => part?.close()));
    },
  };
}

/** What Chromium itself says when a page asks for a card and there is none. */
const NO_ADAPTER = /^No available adapters\.$/;

export interface Visit {
  readonly browser: Browser;
  /** With query and hash. */
  readonly url: string;
  readonly options?: BrowserContextOptions;
  /** Runs in the page before its own program. */
  readonly before?: () => void;
}

/** A page of a browser, and everything it complained about, or asked of other hosts. */
interface Watched {
  readonly page: Page;
  trouble: string[];
}

/** By the settings of the browser: a page of its own takes more time than most of what is looked at. */
const opened = new WeakMap<Browser, Map<string, Promise<Watched>>>();

async function open({ browser, options = {}, before }: Visit): Promise<Watched> {
  const context = await browser.newContext(options);
  const watched: Watched = { page: await context.newPage(), trouble: [] };
  const { page } = watched;
  page.on('console', (message) => {
    if (!NO_ADAPTER.test(message.text())) watched.trouble.push(message.text());
  });
  page.on('pageerror', (error) => watched.trouble.push(String(error)));
  page.on('request', (request) => {
    if (!/^(http:\/\/127\.0\.0\.1|data:|blob:|about:blank)/.test(request.url()))
      watched.trouble.push(`asked for ${request.url()}`);
  });
  await page.addInitScript(countStarts);
  if (before !== undefined) await page.addInitScript(before);
  return watched;
}

/** Opens a page and lets `use` look at it; answers everything it complained about, or asked of other hosts. */
export async function visit(asked: Visit, use: (page: Page) => Promise<void>): Promise<string[]> {
  const { browser, url, options, before } = asked;
  const pages = opened.get(browser) ?? new Map<string, Promise<Watched>>();
  opened.set(browser, pages);
  const key = JSON.stringify(options ?? {});
  // What runs before a page's own program stays in it: that page serves nobody else.
  const pending = before === undefined ? (pages.get(key) ?? open(asked)) : open(asked);
  if (before === undefined) pages.set(key, pending);
  const watched = await pending;
  const { page } = watched;
  watched.trouble = [];
  try {
    await page.goto(url);
    await use(page);
    // With the page ends what it may still say; and another part of the same address would not load it anew.
    if (before === undefined) await page.goto('about:blank');
    return watched.trouble;
  } catch (error) {
    pages.delete(key);
    throw error;
  } finally {
    if (before !== undefined) await page.context().close();
  }
}

/** Counts in the page how often its button turned to Stop. */
function countStarts(): void {
  const runs = { started: 0 };
  Object.assign(window, { runs });
  document.addEventListener('DOMContentLoaded', () => {
    const go = document.getElementById('go');
    // A part of the tests in a page of its own has none.
    if (go === null) return;
    new MutationObserver((records) => {
      for (const { addedNodes } of records)
        for (const { textContent } of addedNodes) if (textContent === 'Stop') runs.started++;
    }).observe(go, { childList: true });
  });
}

type Counted = Window & { readonly runs?: { readonly started: number } };

/**
 * Does what starts a run, and waits for the end of that run. The page itself counts starts: a run may be over before a question
 * about it arrives, and until its first picture the status line still tells of the run before.
 */
export async function afterRun(page: Page, begin: () => Promise<unknown>, how = 'finished'): Promise<string> {
  const before = await page.evaluate(() => (window as Counted).runs!.started);
  await begin();
  await page.waitForFunction((n) => {
    const going = document.getElementById('go')!.textContent === 'Stop';
    return (window as Counted).runs!.started > n && !going;
  }, before);
  return ended(page, how);
}

/** A formula of all eight inputs, as long as may be, on which the page computes so long that whoever stops it comes in time. */
export const LONG_FORMULA: string = `x1*x2+x3*x4+x5*x6+x7*x8${'+x1^x2'.repeat(325)}`;

/** The text of an element by its id. */
export function textOf(page: Page, id: string): Promise<string> {
  // biome-ignore lint/performance/useDomNodeTextContent: what is hidden or folded does not count
  return page.locator(`#${id}`).innerText();
}

/** Waits until the status line begins with a word, and answers it. */
export async function ended(page: Page, how = 'finished'): Promise<string> {
  await page.waitForFunction((word) => document.getElementById('done')!.textContent!.startsWith(word), how, {
    timeout: 30_000,
  });
  return textOf(page, 'done');
}

/** The table as numbers by input: [S1, ST]; a bound such as <0.0002 counts as 0. */
export function tableOf(page: Page): Promise<Record<string, readonly number[]>> {
  return page.evaluate(() => {
    const rows = [...document.querySelectorAll('#table tbody tr')];
    const number = (cell: Element): number =>
      cell.textContent!.startsWith('<') ? 0 : Number.parseFloat(cell.firstChild!.textContent!);
    return Object.fromEntries(
      rows.map((row) => [row.querySelector('th')!.textContent!, [...row.querySelectorAll('td')].map(number)]),
    );
  });
}

/** Indices of the table within `tolerance` of the truth. */
export async function expectIndices(
  page: Page,
  truth: Record<string, readonly number[]>,
  tolerance: number,
): Promise<void> {
  const found = await tableOf(page);
  expect(Object.keys(found)).toEqual(Object.keys(truth));
  for (const [name, [first, total]] of Object.entries(truth)) {
    expect(Math.abs(found[name]![0]! - first!), `S1 of ${name}`).toBeLessThan(tolerance);
    expect(Math.abs(found[name]![1]! - total!), `ST of ${name}`).toBeLessThan(tolerance);
  }
}

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ph: string;
  /** Microseconds of processor time: unlike those of the clock they do not grow when the machine is busy. */
  readonly tdur?: number;
}

/** Processor time of the tasks on the page's main thread while `work` goes on, longest first, in whole milliseconds. */
export async function longestTasks(
  browser: Browser,
  page: Page,
  work: () => Promise<void>,
): Promise<readonly number[]> {
  const categories = ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'blink.user_timing'];
  await browser.startTracing(page, { categories });
  // Other pages of the browser have main threads too; the one that makes this mark is ours.
  await page.evaluate(() => performance.mark('ensample-page'));
  await work();
  const { traceEvents } = JSON.parse(String(await browser.stopTracing())) as { traceEvents: TraceEvent[] };
  const own = traceEvents.find(({ name }) => name === 'ensample-page')!;
  return traceEvents
    .filter(
      ({ name, ph, pid, tid }) => name === 'RunTask' && ph === 'X' && pid === own.pid && tid === own.tid,
    )
    .map(({ tdur }) => Math.round((tdur ?? 0) / 1000))
    .sort((a, b) => b - a);
}

/** Tests of the page on a stage of their own; without a browser they are skipped, and say why. */
export function describePage(body: (stage: () => Stage) => void): void {
  describeStage(true, body);
}

/** The same without a browser with WebGPU, which takes a second to start. */
export function describeHostPage(body: (stage: () => Stage) => void): void {
  describeStage(false, body);
}

function describeStage(gpu: boolean, body: (stage: () => Stage) => void): void {
  if (whyNot !== undefined) console.warn(`SKIPPED: ${whyNot}.`);
  describe.skipIf(whyNot !== undefined)(
    `playground${whyNot === undefined ? '' : ` [skipped: ${whyNot}]`}`,
    () => {
      let stage: Stage | undefined;
      beforeAll(async () => {
        stage = await openStage(gpu);
      });
      afterAll(() => stage?.close());
      body(() => stage!);
    },
  );
}
