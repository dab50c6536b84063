import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type cardWords, hostWords } from './card-words.ts';
import { afterRun, describePage, ended, expectIndices, servePart, tableOf, textOf, visit } from './page.ts';

/** Of the Ishigami function, in closed form: [S1, ST]. */
const ISHIGAMI = { x1: [0.3139, 0.5576], x2: [0.4424, 0.4424], x3: [0, 0.2437] };
const QUICK = 'points=65536&target=0';

/** Every function a formula may call, with powers of all kinds. */
const EVERYTHING =
  'tan(x1)+asin(x2)+acos(x3)+atan(x1)+tanh(x2)+log(x1+1)+log2(x1+1)+log10(x2+1)+sqrt(x3)+sign(x1-0.5)+floor(3*x2)+ceil(2*x3)+min(x1,x2,x3)+max(x1,x2)+pow(x1,x2)+(x3+1)^-2+(x2-2)^5+abs(x1-0.3)+exp(x2)+sin(3*x1)*cos(x3)';

describePage((stage) => {
  test('the page weighs less than 1 MB in all', () => {
    const total = Object.values(stage().sizes).reduce((sum, bytes) => sum + bytes, 0);
    console.log(`playground: ${total} bytes, ${JSON.stringify(stage().sizes)}`);
    expect(total).toBeLessThan(1_000_000);
  });

  test('the server hands out the files of the page and nothing else', async () => {
    const { address } = stage().isolated;
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
      const url = `${stage().isolated.address}?software=1#model=${model}&points=16384&target=0`;
      const trouble = await visit({ browser: stage().withGpu, url }, async (page) => {
        await ended(page);
        expect(await textOf(page, 'where')).toBe('WebGPU (software), float32');
        expect(await textOf(page, 'notes')).toBe('');
        const card = await tableOf(page);
        await page.click('.more summary');
        await afterRun(page, () => page.selectOption('#on', 'host'));
        expect(await textOf(page, 'where')).toMatch(/^WASM/);
        // Both are printed in steps of 1e-5.
        await expectIndices(page, card, 1.2e-4);
        if (model === 'ishigami') await expectIndices(page, ISHIGAMI, 0.01);
      });
      expect(trouble).toEqual([]);
    },
  );

  test("in the browser the card gives the Sobol' integers and Philox words that Node gives", async () => {
    const part = await servePart(fileURLToPath(new URL('card-words.ts', import.meta.url)));
    const trouble = await visit({ browser: stage().withGpu, url: part.address }, async (page) => {
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
    const url = `${stage().isolated.address}?software=1#model=g&points=262144&target=0`;
    const before = (): void => {
      const devices: GPUDevice[] = [];
      const request = GPUAdapter.prototype.requestDevice;
      GPUAdapter.prototype.requestDevice = async function (...options) {
        const device = await request.apply(this, options);
        devices.push(device);
        return device;
      };
      // With the first picture, and by the page itself: the run is quick.
      document.addEventListener('DOMContentLoaded', () => {
        const chart = document.getElementById('chart')!;
        new MutationObserver((_, observer) => {
          if (chart.querySelectorAll('.total').length < 8) return;
          observer.disconnect();
          for (const device of devices) device.destroy();
        }).observe(chart, { childList: true, subtree: true });
      });
    };
    const trouble = await visit({ browser: stage().withGpu, url, before }, async (page) => {
      await ended(page, 'interrupted');
      const reached =
        /^The GPU went away after ([\d\s]+) of 262.144 points\. What was computed is kept\.\s+Continue on the processor$/;
      const [, points] = reached.exec(await textOf(page, 'trouble')) ?? [];
      expect(points, await textOf(page, 'trouble')).toBeDefined();
      expect(Object.keys(await tableOf(page)).length).toBe(8);
      expect(await page.evaluate(() => document.getElementById('result')!.classList.contains('stale'))).toBe(
        false,
      );
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
      { browser: stage().withGpu, url: `${stage().isolated.address}#${QUICK}` },
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
        browser: stage().withoutGpu,
        url: `${stage().isolated.address}#model=ishigami&${QUICK}`,
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
        browser: stage().withGpu,
        url: `${stage().isolated.address}?software=1#model=flood&${QUICK}`,
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
    const url = `${stage().isolated.address}?software=1#model=own&formula=${formula}&${QUICK}`;
    const trouble = await visit({ browser: stage().withGpu, url }, async (page) => {
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
    const url = `${stage().isolated.address}?software=1#model=own&formula=${formula}&${QUICK}`;
    await visit({ browser: stage().withGpu, url }, async (page) => {
      await ended(page);
      expect(await textOf(page, 'lead')).toContain('never changes on these ranges as the GPU rounds it');
    });
  });

  test('an adapter that never answers does not hold the page up', async () => {
    const url = `${stage().isolated.address}#${QUICK}`;
    const before = (): void => {
      GPU.prototype.requestAdapter = () => new Promise(() => undefined);
    };
    await visit({ browser: stage().withGpu, url, before }, async (page) => {
      expect(await textOf(page, 'where')).toBe('checking for a GPU');
      expect(await page.locator('#chart .block').count()).toBe(3);
      await ended(page);
      expect(await textOf(page, 'notes')).toContain('no graphics card answered');
    });
  });

  test('from a host without isolation headers one thread does it, and a folded note says so', async () => {
    const trouble = await visit(
      { browser: stage().withoutGpu, url: `${stage().plain.address}#${QUICK}` },
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
});
