import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type cardWords, hostWords } from './card-words.ts';
import {
  ended,
  longestTasks,
  openStage,
  type Stage,
  servePart,
  tableOf,
  textOf,
  visit,
  whyNot,
} from './page.ts';

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true };
/** Of the Ishigami function, in closed form: [S1, ST]. */
const ISHIGAMI = { x1: [0.3139, 0.5576], x2: [0.4424, 0.4424], x3: [0, 0.2437] };
const QUICK = 'points=32768&target=0';

/** Every function a formula may call, with powers of all kinds. */
const EVERYTHING =
  'tan(x1)+asin(x2)+acos(x3)+atan(x1)+tanh(x2)+log(x1+1)+log2(x1+1)+log10(x2+1)+sqrt(x3)+sign(x1-0.5)+floor(3*x2)+ceil(2*x3)+min(x1,x2,x3)+max(x1,x2)+pow(x1,x2)+(x3+1)^-2+(x2-2)^5+abs(x1-0.3)+exp(x2)+sin(3*x1)*cos(x3)';

let stage: Stage;
if (whyNot !== undefined) console.warn(`SKIPPED: ${whyNot}.`);
else {
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());
}

/** Indices of the table within `tolerance` of the truth. */
async function expectIndices(
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

describe.skipIf(whyNot !== undefined)(
  `playground${whyNot === undefined ? '' : ` [skipped: ${whyNot}]`}`,
  () => {
    test('the page weighs less than 1 MB in all', () => {
      const total = Object.values(stage.sizes).reduce((sum, bytes) => sum + bytes, 0);
      console.log(`playground: ${total} bytes, ${JSON.stringify(stage.sizes)}`);
      expect(total).toBeLessThan(1_000_000);
    });

    test('the server hands out the files of the page and nothing else', async () => {
      const { address } = stage.isolated;
      for (const path of ['', 'index.html', 'playground.js', 'worker.mjs', 'style.css?v=1']) {
        const answer = await fetch(address + path);
        expect(answer.status, path).toBe(200);
        expect(answer.headers.get('cross-origin-embedder-policy')).toBe('require-corp');
        expect(answer.headers.get('cross-origin-opener-policy')).toBe('same-origin');
      }
      for (const path of [
        '..%2fpackage.json',
        '%2e%2e/%2e%2e/package.json',
        '....//package.json',
        'playground.ts',
        '%00',
      ])
        expect((await fetch(address + path)).status, path).toBe(404);
      expect((await fetch(address, { method: 'POST' })).status).toBe(405);
    });

    test.each([
      ['Ishigami', 'ishigami'],
      ['G', 'g'],
      ['flood', 'flood'],
      ['all functions', `own&formula=${encodeURIComponent(EVERYTHING)}`],
    ])(
      'on WebGPU in float32 the indices are those of the processor at the same points (%s)',
      async (_title, model) => {
        const url = `${stage.isolated.address}?software=1#model=${model}&points=16384&target=0`;
        const trouble = await visit({ browser: stage.withGpu, url }, async (page) => {
          await ended(page);
          expect(await textOf(page, 'where')).toBe('WebGPU (software), float32');
          expect(await textOf(page, 'notes')).toBe('');
          const card = await tableOf(page);
          await page.click('.more summary');
          await page.selectOption('#on', 'host');
          await page.waitForFunction(() => document.getElementById('where')!.textContent!.startsWith('WASM'));
          await ended(page);
          // Both are printed in steps of 1e-5.
          await expectIndices(page, card, 1.2e-4);
          if (model === 'ishigami') await expectIndices(page, ISHIGAMI, 0.01);
        });
        expect(trouble).toEqual([]);
      },
    );

    test("in the browser the card gives the Sobol' integers and Philox words that Node gives", async () => {
      const part = await servePart(fileURLToPath(new URL('card-words.ts', import.meta.url)));
      const trouble = await visit({ browser: stage.withGpu, url: part.address }, async (page) => {
        await page.waitForFunction(() => 'cardWords' in window);
        const found = await page.evaluate(() =>
          (window as unknown as { cardWords: typeof cardWords }).cardWords(),
        );
        const { sobol, philox } = await hostWords();
        expect(sobol.length + philox.length).toBe(257 * 11);
        expect(found).toEqual({ sobol, philox });
      });
      await part.close();
      expect(trouble).toEqual([]);
    });

    test('when the card goes away what is known stays, and the processor goes on from there', async () => {
      const url = `${stage.isolated.address}?software=1#model=g&points=262144&target=0`;
      const before = (): void => {
        const devices: GPUDevice[] = [];
        Object.assign(window, { devices });
        const request = GPUAdapter.prototype.requestDevice;
        GPUAdapter.prototype.requestDevice = async function (...options) {
          const device = await request.apply(this, options);
          devices.push(device);
          return device;
        };
      };
      const trouble = await visit({ browser: stage.withGpu, url, before }, async (page) => {
        await page.waitForFunction(() => document.querySelectorAll('#chart .total').length >= 8);
        await page.evaluate(() => {
          for (const device of (window as unknown as { devices: GPUDevice[] }).devices) device.destroy();
        });
        await ended(page, 'interrupted');
        const reached =
          /^The GPU went away after ([\d\s]+) of 262.144 points\. What was computed is kept\.\s+Continue on the processor$/;
        const [, points] = reached.exec(await textOf(page, 'trouble')) ?? [];
        expect(points, await textOf(page, 'trouble')).toBeDefined();
        expect(Object.keys(await tableOf(page)).length).toBe(8);
        expect(
          await page.evaluate(() => document.getElementById('result')!.classList.contains('stale')),
        ).toBe(false);
        await page.click('#trouble button');
        expect(await ended(page)).toMatch(/^finished: 262.144 points/);
        expect(await textOf(page, 'where')).toMatch(/^WASM/);
        expect(await textOf(page, 'notes')).toBe(
          `The first ${points} points were computed on the GPU, in float32.`,
        );
        const { x1, x2 } = await tableOf(page);
        // Exact: V_i / V with V_i = 1 / (3 (1 + a_i)^2).
        expect(x1![0]).toBeCloseTo(0.7162, 3);
        expect(x2![1]).toBeCloseTo(0.2422, 3);
      });
      expect(trouble).toEqual([]);
    });

    test('a software card is not taken unless the address asks for it', async () => {
      const trouble = await visit(
        { browser: stage.withGpu, url: `${stage.isolated.address}#${QUICK}` },
        async (page) => {
          await ended(page);
          expect(await textOf(page, 'where')).toMatch(/^WASM/);
          await page.click('#notes summary');
          expect(await textOf(page, 'notes')).toContain('only a software adapter answered');
        },
      );
      expect(trouble).toEqual([]);
    });

    test('without navigator.gpu the processor does it on all threads, and a note says why', async () => {
      const trouble = await visit(
        {
          browser: stage.withoutGpu,
          url: `${stage.isolated.address}#model=ishigami&${QUICK}`,
          before: () => Object.defineProperty(Navigator.prototype, 'gpu', { get: () => undefined }),
        },
        async (page) => {
          await ended(page);
          expect(await textOf(page, 'where')).toMatch(/^WASM, [2-8] threads, float64$/);
          expect(await textOf(page, 'notes')).toMatch(
            /^This browser has no WebGPU\. Running on the processor \(WASM, \d threads\): slower, same answers\.\s+How to switch it on$/,
          );
          await expectIndices(page, ISHIGAMI, 0.003);
          await page.click('#notes summary');
          expect(await textOf(page, 'notes')).toContain('Chrome and Edge have WebGPU since');
        },
      );
      expect(trouble).toEqual([]);
    });

    test('with navigator.gpu and no adapter the note is another one', async () => {
      const trouble = await visit(
        {
          browser: stage.withGpu,
          url: `${stage.isolated.address}?software=1#model=flood&${QUICK}`,
          before: () => {
            GPU.prototype.requestAdapter = async () => null;
          },
        },
        async (page) => {
          await ended(page);
          expect(await textOf(page, 'where')).toMatch(/^WASM, /);
          expect(await textOf(page, 'notes')).toContain(
            'This browser offers WebGPU but no graphics card answered. Running on the processor (WASM, ',
          );
          // examples/truth.ts has these to eight digits.
          const { Q, B } = await tableOf(page);
          expect(Q![0]).toBeCloseTo(0.3448, 2);
          expect(Q![1]).toBeCloseTo(0.3536, 2);
          expect(B![1]).toBe(0);
        },
      );
      expect(trouble).toEqual([]);
    });

    test('a formula that the card would get wrong runs on the processor, and a note says why', async () => {
      const formula = encodeURIComponent('x1 + 1e40*x2');
      const url = `${stage.isolated.address}?software=1#model=own&formula=${formula}&${QUICK}`;
      const trouble = await visit({ browser: stage.withGpu, url }, async (page) => {
        await ended(page);
        expect(await textOf(page, 'where')).toMatch(/^WASM, /);
        expect(await textOf(page, 'notes')).toContain(
          'The GPU would get this formula wrong (the number 1e+40 is too large for float32). Running on the processor.',
        );
        expect((await tableOf(page)).x2![0]).toBeCloseTo(1, 4);
      });
      expect(trouble).toEqual([]);
    });

    test('an output that only float32 holds still is not said to be constant without that', async () => {
      const formula = encodeURIComponent('1e10 + x1 + x2');
      const url = `${stage.isolated.address}?software=1#model=own&formula=${formula}&${QUICK}`;
      await visit({ browser: stage.withGpu, url }, async (page) => {
        await ended(page);
        expect(await textOf(page, 'lead')).toContain('never changes on these ranges as the GPU rounds it');
      });
    });

    test('an adapter that never answers does not hold the page up', async () => {
      const url = `${stage.isolated.address}#${QUICK}`;
      const before = (): void => {
        GPU.prototype.requestAdapter = () => new Promise(() => undefined);
      };
      await visit({ browser: stage.withGpu, url, before }, async (page) => {
        expect(await textOf(page, 'where')).toBe('checking for a GPU');
        expect(await page.locator('#chart .block').count()).toBe(3);
        await ended(page);
        expect(await textOf(page, 'notes')).toContain('no graphics card answered');
      });
    });

    test('from a host without isolation headers one thread does it, and a folded note says so', async () => {
      const trouble = await visit(
        { browser: stage.withoutGpu, url: `${stage.plain.address}#${QUICK}` },
        async (page) => {
          await ended(page);
          expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
          expect(await textOf(page, 'where')).toBe('WASM, 1 thread, float64');
          expect(await textOf(page, 'notes')).toMatch(
            /One thread only: this page is served without isolation headers\.$/,
          );
          await expectIndices(page, ISHIGAMI, 0.003);
        },
      );
      expect(trouble).toEqual([]);
    });

    test('a mistake in the formula stands at its field, nothing runs, and the old picture pales until it is mended', async () => {
      const url = `${stage.isolated.address}#model=own&formula=sin(x1)*x2&${QUICK}`;
      const trouble = await visit({ browser: stage.withoutGpu, url }, async (page) => {
        await ended(page);
        await page.fill('#formula', 'sin(x1) + 7*sinn(x2)');
        await page.waitForSelector('#formula-error:visible');
        expect(await textOf(page, 'formula-error')).toBe(
          'line 1, column 13: unknown name `sinn`. Did you mean `sin`? Inputs are x1, x2.',
        );
        expect(await page.getAttribute('#formula', 'aria-invalid')).toBe('true');
        expect(await textOf(page, 'done')).toBe('not started');
        expect(await textOf(page, 'go')).toBe('Run');
        expect(await page.evaluate(() => getComputedStyle(document.getElementById('chart')!).opacity)).toBe(
          '0.35',
        );
        await page.fill('#formula', 'sin(x1) + 7*sin(x2) + x5');
        await ended(page);
        expect(await page.locator('#formula-error').isHidden()).toBe(true);
        expect(Object.keys(await tableOf(page))).toEqual(['x1', 'x2', 'x5']);
        expect(await page.evaluate(() => getComputedStyle(document.getElementById('chart')!).opacity)).toBe(
          '1',
        );
        await page.fill('#to-x2', '-1');
        await page.waitForSelector('#x2-error:visible');
        expect(await textOf(page, 'x2-error')).toBe('x2: 0 is not below -1.');
      });
      expect(trouble).toEqual([]);
    });

    test('a model that fails is told with the number of points, the first of them, and the likely cause', async () => {
      const url = `${stage.isolated.address}#model=own&formula=log(x1-0.1)%2Bx2&${QUICK}`;
      const trouble = await visit({ browser: stage.withoutGpu, url }, async (page) => {
        await ended(page, 'failed');
        expect(await textOf(page, 'trouble')).toMatch(
          /^Your formula gave NaN at \d+ of [\d\s]+ points, first at x1 = 0\.0\d+, x2 = 0\.\d+ \(log of a negative number\?\)\.$/,
        );
        expect(await textOf(page, 'go')).toBe('Run');
      });
      expect(trouble).toEqual([]);
    });

    test('a change of a range starts again after 300 ms, with the old bars pale until new ones are there', async () => {
      const url = `${stage.isolated.address}#model=g&points=1048576&target=0`;
      const trouble = await visit({ browser: stage.withoutGpu, url }, async (page) => {
        await page.waitForFunction(() => document.querySelectorAll('#chart .total').length >= 8);
        expect(await textOf(page, 'go')).toBe('Stop');
        await page.evaluate(() => {
          const seen = { pale: 0, restarted: 0, started: performance.now() };
          Object.assign(window, { seen });
          new MutationObserver(() => {
            if (!document.getElementById('result')!.classList.contains('stale')) return;
            seen.pale ||= document.querySelectorAll('#chart .total').length;
            seen.restarted ||= performance.now() - seen.started;
          }).observe(document.getElementById('result')!, { attributes: true });
        });
        await page.fill('#to-x1', '0.5');
        await page.waitForFunction(() => location.hash.includes('in.x1=0%2C0.5'));
        await page.waitForFunction(() => !document.getElementById('result')!.classList.contains('stale'));
        const seen = await page.evaluate(() => (window as unknown as { seen: Record<string, number> }).seen);
        expect(seen.pale).toBeGreaterThan(0);
        expect(seen.restarted).toBeGreaterThan(290);
        await page.keyboard.press('Escape');
        expect(await ended(page, 'stopped')).toMatch(/^stopped: [\d\s]+ points in /);
        expect(await textOf(page, 'go')).toBe('Run');
        expect(await page.locator('#csv').isVisible()).toBe(true);
      });
      expect(trouble).toEqual([]);
    });

    test('while a run goes the page answers: no task takes 50 ms of the processor, and quarters are announced', async () => {
      const url = `${stage.isolated.address}#points=262144&target=0`;
      const before = (): void => {
        const said: string[] = [];
        Object.assign(window, { said });
        document.addEventListener('DOMContentLoaded', () => {
          const say = document.getElementById('say')!;
          new MutationObserver(() => said.push(say.textContent!)).observe(say, { childList: true });
        });
      };
      await visit({ browser: stage.withoutGpu, url, before }, async (page) => {
        await ended(page);
        // Not the first run: what loading and compiling the page takes is not the question here.
        const again = (): Promise<readonly number[]> =>
          longestTasks(stage.withoutGpu, page, async () => {
            await page.click('#go');
            await page.waitForFunction(() => document.getElementById('go')!.textContent === 'Stop');
            await ended(page);
          });
        // The better of two, because a collection of garbage may fall into any task.
        const [one, two] = [await again(), await again()];
        console.log(
          `longest tasks of the page, ms of processor time: ${one.slice(0, 4)} and ${two.slice(0, 4)}`,
        );
        expect(Math.min(one[0]!, two[0]!)).toBeLessThan(50);
        const said = await page.evaluate(() => (window as unknown as { said: string[] }).said);
        expect(said.slice(0, 3)).toEqual(['25 % of the points', '50 % of the points', '75 % of the points']);
        expect(said[3]).toMatch(/^100 %\. x2 alone explains 44/);
        expect(said.length, 'three runs').toBe(12);
      });
    });

    test('with the keyboard alone: Tab goes as one reads, arrows move an end, Enter runs, Escape stops', async () => {
      const url = `${stage.isolated.address}#model=ishigami&${QUICK}`;
      const trouble = await visit({ browser: stage.withoutGpu, url }, async (page) => {
        await ended(page);
        const order: string[] = [];
        const tops: number[] = [];
        for (let i = 0; i < 13; i++) {
          await page.keyboard.press('Tab');
          const [id, top] = await page.evaluate(() => {
            const { id, tagName } = document.activeElement!;
            return [id || tagName, document.activeElement!.getBoundingClientRect().top] as const;
          });
          order.push(id);
          tops.push(top);
        }
        expect(order).toEqual([
          'model',
          'formula',
          'from-x1',
          'to-x1',
          'from-x2',
          'to-x2',
          'from-x3',
          'to-x3',
          'SUMMARY',
          'go',
          'SUMMARY',
          'link',
          'csv',
        ]);
        const form = tops.slice(0, 10);
        expect(form).toEqual([...form].sort((a, b) => a - b));
        await page.focus('#to-x3');
        await page.keyboard.press('ArrowDown');
        expect(await page.inputValue('#to-x3')).toBe('2.82743');
        await page.keyboard.press('Enter');
        await page.waitForFunction(() => location.hash.includes('in.x3=-pi%2C2.82743'));
        await ended(page);
        expect((await tableOf(page)).x3![1]).toBeLessThan(0.22);
        await page.selectOption('#model', 'g');
        await page.waitForFunction(() => document.getElementById('go')!.textContent === 'Stop');
        await page.keyboard.press('Escape');
        await ended(page, 'stopped');
      });
      expect(trouble).toEqual([]);
    });

    test('on a phone the result comes first, Run stays in reach, and nothing is cut off', async () => {
      const url = `${stage.isolated.address}#model=flood&${QUICK}`;
      const trouble = await visit({ browser: stage.withoutGpu, url, options: PHONE }, async (page) => {
        await ended(page);
        const seen = await page.evaluate(() => {
          const box = (id: string): DOMRect => document.getElementById(id)!.getBoundingClientRect();
          const texts = [
            ...document.querySelectorAll('p, td, th, label, small, summary, span, #chart text, caption'),
          ];
          const controls = [...document.querySelectorAll('button, input, select, a.button, summary')];
          return {
            resultFirst: box('result').top < box('form').top,
            domFirst: document.getElementById('page')!.firstElementChild!.id,
            go: { height: box('go').height, bottom: box('go').bottom },
            wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
            smallest: Math.min(...texts.map((text) => Number.parseFloat(getComputedStyle(text).fontSize))),
            low: controls
              .filter((c) => {
                const { height, width } = c.getBoundingClientRect();
                return width > 0 && height < 44;
              })
              .map((c) => c.id || c.textContent),
            outside: [...document.querySelectorAll('#chart text')]
              .filter((t) => t.getBoundingClientRect().right > 390 || t.getBoundingClientRect().left < 0)
              .map((t) => t.textContent),
          };
        });
        expect(seen).toMatchObject({ resultFirst: true, domFirst: 'result', wide: 0, low: [], outside: [] });
        expect(seen.smallest).toBeGreaterThanOrEqual(11);
        expect(seen.go.height).toBeGreaterThanOrEqual(44);
        expect(seen.go.bottom).toBeLessThanOrEqual(844);
      });
      expect(trouble).toEqual([]);
    });

    test('the address carries all settings, and the table and the code say the same', async () => {
      const query =
        'model=own&formula=x1%2B2*x2&in.x1=-1%2C1&in.x2=0%2Cpi&target=0.01&points=16384&seed=12&on=host';
      await visit({ browser: stage.withoutGpu, url: `${stage.isolated.address}#${query}` }, async (page) => {
        await ended(page);
        expect(await page.inputValue('#formula')).toBe('x1+2*x2');
        expect(await page.inputValue('#to-x2')).toBe('pi');
        expect(await page.inputValue('#seed')).toBe('12');
        expect(await textOf(page, 'notes')).toBe('');
        // Linear: shares are a^2 width^2 / sum.
        const share = 4 / (4 + 4 * Math.PI ** 2);
        await expectIndices(page, { x1: [share, share], x2: [1 - share, 1 - share] }, 0.01);
        const [before, after] = [
          new URLSearchParams(query),
          new URLSearchParams(new URL(page.url()).hash.slice(1)),
        ];
        expect(Object.fromEntries(after)).toEqual(Object.fromEntries(before));
        const csv = decodeURIComponent(
          (await page.getAttribute('#csv', 'href'))!.split(',').slice(1).join(','),
        );
        expect(csv.split('\n')[0]).toBe(
          'input,S1,S1_standard_error,S1_low,S1_high,ST,ST_standard_error,ST_low,ST_high',
        );
        expect(Number(csv.split('\n')[1]!.split(',')[1])).toBeCloseTo(share, 2);
        await page.click('#code summary');
        const code = await page.locator('#code code').textContent();
        expect(code).toContain("import { pointwise, run, sobolIndices, uniform } from 'ensample';");
        expect(code).toContain('x2: uniform(0, 3.141592653589793),');
        await page.evaluate(() => {
          location.hash = '#model=own&formula=x3*x4*x7*x8&points=16384&target=0.01';
        });
        await page.waitForFunction(() => document.querySelectorAll('#table tbody tr').length === 4);
      });
    });
  },
);
