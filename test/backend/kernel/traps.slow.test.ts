import { expect, test } from 'vitest';
import { create } from 'webgpu';
import { GPU } from '../../../engine/backend/generated/gpu-js.mjs';
import { gpuKernel, OptionError } from '../../../engine/index.ts';
import { describeGpu, withGpu } from '../../support/gpu.ts';
import { onCard } from '../../support/kernel.ts';

/** What gpu.js alone answers on a card without any of our guards. */
async function alone(
  source: string,
  values: readonly unknown[] = [],
  settings: Record<string, unknown> = {},
): Promise<number> {
  const gpu = new GPU({ mode: 'webgpu' });
  try {
    const kernel = gpu.createKernel(source, { output: [1], ...settings });
    return (await kernel(...values))[0] as number;
  } finally {
    await gpu.destroy();
  }
}

const INTEGER = { argumentTypes: ['Integer'] };
const F = (...values: number[]): Float32Array => Float32Array.from(values);

/** What our front-end says to a function. */
function refused(text: string, constants = {}): string {
  try {
    gpuKernel(text, { dims: 2, constants });
  } catch (error) {
    expect(error).toBeInstanceOf(OptionError);
    return (error as Error).message;
  }
  return 'accepted';
}

/** The answer of our kernel on a card at one point. */
async function guarded(text: string, point: readonly number[], constants = {}): Promise<number> {
  const kernel = gpuKernel(text, { dims: point.length, constants });
  return withGpu(async (gpu) => (await onCard(gpu, kernel, [point]))[0]!);
}

/** gpu.js looks for the card where browsers have it. */
function offerCard(): void {
  const gpu = create([]);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
}

// The rows of compute.md, section 2: the wrong number without the guard, then what the guard does.
describeGpu('traps of gpu.js, without and with their guards', () => {
  offerCard();

  test('1. Math.imul loses bits: refused', async () => {
    const exact = Math.imul(123457, 747796405) & 65535;
    const found = await alone('function (s) { return Math.imul(s, 747796405) & 65535; }', [123457], INTEGER);
    expect([exact, found]).toEqual([12021, 59328]);
    expect(refused('(x) => Math.imul(x[0], 747796405)')).toMatch(/line 1, column 8: `Math\.imul`/);
  });

  test('2. a local made of integers is a float: operators on bits are refused', async () => {
    const found = await alone(
      'function (s) { const a = s | 0; return (a - 16777216) & 1; }',
      [16777217],
      INTEGER,
    );
    expect(found).toBe(0);
    expect(refused('(x) => { const a = x[0] | 0; return a; }')).toMatch(/column 20: operator `\|`/);
  });

  test('3. an integer above 2^31 does not compile: refused with the operator, exact as a float', async () => {
    const source = 'function (s) { return (s ^ 0x9E3779B9) >>> 16; }';
    await expect(alone(source, [12345], INTEGER)).rejects.toThrow(/WGSL/);
    expect(refused('(x) => (x[0] ^ 0x9E3779B9) >>> 16')).toMatch(/column 9: operator `\^`/);
    expect(await guarded('(x) => x[0] * 4294967296', [2])).toBe(8589934592);
  });

  test('4. a number of ten digits keeps 24 bits: refused where one more or less matters', async () => {
    const found = await alone('function (s) { return s % 1000; }', [1234567891]);
    expect(found).toBe(936);
    expect(
      refused('function (x) { return x[0] + this.constants.seed % x[1]; }', { seed: 1234567891 }),
    ).toMatch(/float32 makes 1234567891 1234567936, which changes the remainder/);
  });

  test('4b. integers above 2^24 stand where their rounding changes as little as any other', async () => {
    const near = async (text: string, point: readonly number[], constants = {}): Promise<void> => {
      const host = gpuKernel(text, { dims: point.length, constants }).evaluate(Float64Array.from(point));
      const found = await guarded(text, point, constants);
      expect(Math.abs(found / (host as number) - 1), text).toBeLessThan(1e-6);
    };
    await near('(x) => x[0] * 299792458 + 16777217 / x[0]', [3]);
    await near('(x) => { const c = 2.99792458e8; return c * c * x[0]; }', [3]);
    await near('(x) => x[0] > 1e11 ? 1 : 1e11 - x[0]', [3]);
    await near('(x) => x[0] + Math.fround(16777217)', [0.5]);
    await near('function (x) { return this.constants.n - x[0]; }', [3], { n: 67886011 });
    await near('function (x) { return x[0] < this.constants.n ? this.constants.n - 1 : 0; }', [3], {
      n: 67886011,
    });
    await near('function (x) { return Math.fround(this.constants.a[0]) % 10; }', [3], { a: [16777217] });
    await near('function (x) { return this.constants.a[0] === 5 ? 2 : x[0]; }', [3], { a: [16777217] });
    await near(
      'function (x) { let s = 0; for (let i = 5000; i < 5010; i++) s += i * i; return s + x[0]; }',
      [3],
    );
    expect(
      await guarded(
        '(x) => { let s = x[0]; for (let i = 16777206; i < 16777216; i++) s = i; return s; }',
        [0],
      ),
    ).toBe(16777215);
  });

  test('5. >>> 0 of a negative number stays negative: refused', async () => {
    const found = await alone('function (s) { return s >>> 0; }', [-5], INTEGER);
    expect([found, -5 >>> 0]).toEqual([-5, 4294967291]);
    expect(refused('(x) => x[0] >>> 0')).toMatch(/operator `>>>`/);
  });

  test('6. a loop with a run-time bound stops at 1000: refused, or bounded by a constant', async () => {
    const source = 'function (n) { let s = 0; for (let i = 0; i < n; i++) { s += 1; } return s; }';
    expect(await alone(source, [5000])).toBe(1000);
    expect(refused('(x) => { let s = 0; for (let i = 0; i < x[0]; i++) s += 1; return s; }')).toMatch(
      /column 37: the number of rounds is bounded by `i < x\[0\]`/,
    );
    const text = 'function (x) { let s = 0; for (let i = 0; i < this.constants.n; i++) s += 1; return s; }';
    expect(await guarded(text, [0], { n: 5000 })).toBe(5000);
  });

  test('6b. continue in such a loop never moves its counter: ours does', async () => {
    const source = `function (a, n) { let s = 0; for (let i = a; i < n; i += 1) { if (i === 2) { continue; } s += i; } return s; }`;
    expect(await alone(source, [0, 5])).toBe(1);
    const text =
      'function (x) { let s = 0; for (let k = 0; k < 1; k++) for (let i = k; i < 5 - k; i++) { if (i === 2) continue; s += i; } return s; }';
    expect(await guarded(text, [0])).toBe(8);
  });

  test('7. an index above 2^24 through a local is rounded to another one: so many constants are refused', async () => {
    const a = new Float32Array(2 ** 24 + 1);
    // The element itself takes an array of 64 MB and 8 s to show; the index is wrong already.
    const source = 'function () { const i = this.thread.x + 16777217; return i - 16777216; }';
    expect(await alone(source)).toBe(0);
    expect(refused('(x) => x[0]', { a })).toMatch(/at most 16777216 numbers/);
  });

  test('8. -Infinity is a finite number: ours comes back as an infinity, and fails in arithmetic', async () => {
    expect(await alone('function () { return -Infinity; }')).toBe(-3.4028234663852886e38);
    expect(await guarded('(x) => x[0] > 0 ? x[0] : -Infinity', [-1])).toBe(-Infinity);
    expect(await guarded('(x) => 1e-37 * (x[0] > 0 ? x[0] : -Infinity)', [-1])).toBeNaN();
  });

  test('9. log(0) and tests of NaN are wrong: ours fails, tests are refused', async () => {
    const log = await alone('function (a) { return Math.log(a[0]); }', [F(0)]);
    expect(Number.isFinite(log)).toBe(true);
    expect(await guarded('(x) => Math.log(x[0])', [0])).toBeNaN();
    expect(await alone('function (a) { if (a[0] !== a[0]) return 1; return 0; }', [F(NaN)])).toBe(0);
    expect(refused('(x) => x[0] !== x[0] ? 1 : 0')).toMatch(/column 8: `x\[0\] !== x\[0\]` tests for NaN/);
  });

  test('9b. 0 times what is not a number may be taken for 0: ours fails', async () => {
    const lost: readonly (readonly [string, number])[] = [
      ['x[0] ** 1.5', -2],
      ['Math.pow(x[0], 0.3)', -2],
      ['Math.exp(1000 * x[0])', 1],
      ['Math.expm1(1000 * x[0])', 1],
      ['Math.cosh(1000 * x[0])', 1],
      ['Math.sinh(1000 * x[0])', 1],
      ['Math.hypot(x[0], 1)', Number.POSITIVE_INFINITY],
      ['x[0]', Number.NaN],
      ['x[0]', Number.POSITIVE_INFINITY],
    ];
    for (const [text, x] of lost)
      for (const product of [`0 * (${text})`, `(${text}) * -0`, `this.constants.z[0] * (${text})`]) {
        const kernel = `function (x) { return 1 + ${product}; }`;
        const host = gpuKernel(kernel, { dims: 1, constants: { z: [0] } });
        expect(host.evaluate(Float64Array.of(x)), kernel).toBeNaN();
        expect(await guarded(kernel, [x], { z: [0] }), kernel).toBeNaN();
      }
    expect(await guarded('(x) => 1 + 0 * x[0] ** 1.5', [2])).toBe(1);
  });

  test('10. log1p and expm1 near 0 are 0: ours are right', async () => {
    for (const name of ['log1p', 'expm1']) {
      expect(await alone(`function (a) { return Math.${name}(a[0]); }`, [F(1e-8)])).toBe(0);
      expect((await guarded(`(x) => Math.${name}(x[0])`, [1e-8])) / 1e-8).toBeCloseTo(1, 6);
    }
  });

  test('11. sin and cos are off by 1e-4: ours are within 1e-6', async () => {
    const worst = async (answer: (name: 'sin' | 'cos', x: number) => Promise<number>): Promise<number> => {
      let most = 0;
      for (const name of ['sin', 'cos'] as const)
        for (const x of [0.4, 2.9, 4.1, 5.4, 6.1].map(Math.fround))
          most = Math.max(most, Math.abs((await answer(name, x)) - Math[name](x)));
      return most;
    };
    expect(
      await worst((name, x) => alone(`function (a) { return Math.${name}(a[0]); }`, [F(x)])),
    ).toBeGreaterThan(1e-5);
    expect(await worst((name, x) => guarded(`(x) => Math.${name}(x[0])`, [x]))).toBeLessThan(1e-6);
  });

  test('12. exp is off by 1e-6: ours is within 3e-7', async () => {
    const at = [-70.3, -33.3, -10.1].map(Math.fround);
    let [theirs, ours] = [0, 0];
    for (const x of at) {
      const found = await alone('function (a) { return Math.exp(a[0]); }', [F(x)]);
      theirs = Math.max(theirs, Math.abs(found / Math.exp(x) - 1));
      ours = Math.max(ours, Math.abs((await guarded('(x) => Math.exp(x[0])', [x])) / Math.exp(x) - 1));
    }
    expect(theirs).toBeGreaterThan(1e-6);
    expect(ours).toBeLessThan(3e-7);
  });

  test('13. a seeded Math.random repeats itself: refused', async () => {
    const gpu = new GPU({ mode: 'webgpu' });
    const settings = { output: [2], randomSeed: 42 } as never;
    const kernel = gpu.createKernel('function () { return Math.random(); }', settings);
    const [first, second] = [Array.from(await kernel()), Array.from(await kernel())];
    await gpu.destroy();
    expect(first).toEqual(second);
    expect(refused('(x) => Math.random()')).toMatch(/column 8: `Math\.random` cannot be used here/);
  });

  test('14. outside an array stands another element: refused when known, fails when not', async () => {
    expect(await alone('function (a) { return a[this.thread.x + 100]; }', [F(1, 2, 3)])).not.toBeNaN();
    expect(refused('(x) => x[100]')).toMatch(/`x\[100\]` is outside its array of 2/);
    expect(await guarded('(x) => x[x[0]]', [100])).toBeNaN();
  });

  test('15. numbers are float32, and said to be', async () => {
    expect(await alone('function (a) { return a[0] - 16777216; }', [new Float64Array([16777217])])).toBe(0);
    const kernel = gpuKernel((x) => x[0]! - 16777216, { dims: 1 });
    expect(kernel.evaluate(Float64Array.of(16777217))).toBe(1);
    expect(await withGpu(async (gpu) => (await onCard(gpu, kernel, [[16777217]]))[0])).toBe(0);
  });

  test('floor of a quotient may fall below an integer: ours is put right by the remainder', async () => {
    const points = Array.from({ length: 3000 }, (_, i) => [i + 1, (i % 97) + 1]);
    const kernel = gpuKernel((x) => [Math.floor((x[0]! * x[1]!) / x[1]!), (x[0]! * x[1]!) % x[1]!], {
      dims: 2,
    });
    const found = await withGpu((gpu) => onCard(gpu, kernel, points));
    expect([...found]).toEqual(points.flatMap(([a]) => [a, 0]));
  });

  test('without our stand-ins a choice would take both sides: an if takes one', async () => {
    const text = '(x) => x[0] > 0 ? Math.log(x[0]) : -1';
    expect(await guarded(text, [-2])).toBe(-1);
    expect(await guarded('(x) => Math.log(x[0])', [-2])).toBeNaN();
  });
});
