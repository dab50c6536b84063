import { expect, test } from 'vitest';
import type { Gpu, Shader } from '../../../engine/backend/gpu/types.ts';
import { type ElementaryName, elementary } from '../../../engine/backend/wgsl/elementary.ts';
import { describeGpu, withGpu } from '../../support/gpu.ts';

/** A function over arguments x (and y) in the order of its WGSL parameters. */
function mapped(name: ElementaryName, arity: 1 | 2): Shader<'x' | 'y' | 'out', never> {
  return {
    name,
    buffers: { x: 'read f32', y: 'read f32', out: 'write f32' },
    params: {},
    per: 'item',
    code: `${elementary(name)}
fn item(i: u32) { out[i] = ${name}(x[i]${arity === 2 ? ', y[i]' : ''}); }`,
  };
}

async function values(
  gpu: Gpu,
  name: ElementaryName,
  xs: Float32Array,
  ys?: Float32Array,
): Promise<Float32Array> {
  const arena = gpu.arena();
  const x = arena.f32(xs.length);
  const y = arena.f32(xs.length);
  const out = arena.f32(xs.length);
  gpu.write(x, xs);
  if (ys !== undefined) gpu.write(y, ys);
  gpu.run(mapped(name, ys === undefined ? 1 : 2), { x, y, out }, {}, xs.length);
  const found = await gpu.read(out);
  arena.release();
  return found;
}

const N = 40_000;
/** Golden-ratio fractions: a grid that no polynomial is fitted to. */
const fraction = (i: number): number => ((i + 0.5) * 0.6180339887498949) % 1;
const grid = (low: number, high: number): Float32Array =>
  Float32Array.from({ length: N }, (_, i) => low + (high - low) * fraction(i));
/** Both signs, sizes spread evenly in the logarithm. */
const sizes = (least: number, greatest: number, signed = true): Float32Array =>
  Float32Array.from(
    { length: N },
    (_, i) => least * (greatest / least) ** fraction(i) * (signed && i % 2 === 1 ? -1 : 1),
  );

/** name, exact function, grid, largest error; 'relative' or 'absolute'. */
const CASES: readonly (readonly [
  ElementaryName,
  (x: number) => number,
  Float32Array,
  number,
  'relative' | 'absolute',
])[] = [
  ['e_exp', Math.exp, grid(-87.3, 88.7), 1.5e-7, 'relative'],
  ['e_exp', Math.exp, sizes(1e-8, 1), 1.5e-7, 'relative'],
  ['e_expm1', Math.expm1, sizes(1e-30, 80), 4e-7, 'relative'],
  ['e_log', Math.log, sizes(2e-38, 3e38, false), 1.5e-7, 'relative'],
  ['e_log', Math.log, grid(0.5, 2), 1.5e-7, 'relative'],
  ['e_log1p', Math.log1p, sizes(1e-30, 0.999), 2.5e-7, 'relative'],
  ['e_log1p', Math.log1p, sizes(1e-3, 1e30, false), 2.5e-7, 'relative'],
  ['e_log2', Math.log2, sizes(2e-38, 3e38, false), 2.5e-7, 'relative'],
  ['e_log10', Math.log10, sizes(2e-38, 3e38, false), 2.5e-7, 'relative'],
  ['e_sin', Math.sin, grid(-7, 7), 1.2e-7, 'relative'],
  ['e_sin', Math.sin, sizes(1e-20, 1e5), 1e-7, 'absolute'],
  ['e_cos', Math.cos, sizes(1e-20, 1e5), 1e-7, 'absolute'],
  ['e_tan', Math.tan, grid(-7, 7), 4e-7, 'relative'],
  ['e_asin', Math.asin, grid(-1, 1), 3e-7, 'relative'],
  ['e_acos', Math.acos, grid(-1, 1), 3e-7, 'relative'],
  ['e_atan', Math.atan, sizes(1e-20, 1e20), 2.5e-7, 'relative'],
  ['e_sinh', Math.sinh, sizes(1e-20, 89), 4e-7, 'relative'],
  ['e_cosh', Math.cosh, sizes(1e-20, 89), 4e-7, 'relative'],
  ['e_tanh', Math.tanh, sizes(1e-20, 20), 2.5e-7, 'relative'],
  ['e_asinh', Math.asinh, sizes(1e-20, 1e30), 4e-7, 'relative'],
  ['e_acosh', Math.acosh, grid(1.0001, 40), 4e-7, 'relative'],
  ['e_acosh', Math.acosh, sizes(1.5, 1e30, false), 4e-7, 'relative'],
  ['e_atanh', Math.atanh, sizes(1e-20, 0.9999), 4e-7, 'relative'],
  ['e_sqrt', Math.sqrt, sizes(2e-38, 3e38, false), 2.5e-7, 'relative'],
  ['e_cbrt', Math.cbrt, sizes(2e-38, 3e38), 2.5e-7, 'relative'],
];

describeGpu('elementary functions', () => {
  test('e_*(): each is within its error of the exact function', () =>
    withGpu(async (gpu) => {
      for (const [name, exact, x, tolerance, kind] of CASES) {
        const found = await values(gpu, name, x);
        let worst = 0;
        let at = 0;
        for (let i = 0; i < N; i++) {
          const truth = exact(x[i]!);
          // A result is rounded to float32: numbers it cannot hold to full accuracy are not counted.
          const size = kind === 'relative' ? Math.abs(truth) : 1;
          if (size < 2e-38 || size > 3.4e38) continue;
          const error = Math.abs(found[i]! - truth) / size;
          if (!(error <= worst)) [worst, at] = [error, x[i]!];
        }
        expect.soft(worst, `${name} at ${at}`).toBeLessThan(tolerance);
      }
    }));

  test('e_pow(), e_atan2(), e_hypot(): within 3e-7 over the whole range of results', () =>
    withGpu(async (gpu) => {
      const base = sizes(1e-30, 1e30, false);
      const exponent = Float32Array.from(base, (x, i) => (84 * (2 * fraction(7 * i) - 1)) / Math.log(x));
      const near = grid(0.99, 1.01);
      const steep = Float32Array.from(near, (x, i) => (84 * (2 * fraction(7 * i) - 1)) / Math.log(x));
      const other = sizes(1e-25, 1e30);
      const pairs: readonly (readonly [
        ElementaryName,
        (x: number, y: number) => number,
        Float32Array,
        Float32Array,
      ])[] = [
        ['e_pow', Math.pow, base, exponent],
        ['e_pow', Math.pow, near, steep],
        ['e_pow', Math.pow, grid(0.1, 10), grid(-5, 5).reverse()],
        ['e_atan2', Math.atan2, sizes(1e-20, 1e15), other.reverse()],
        ['e_hypot', Math.hypot, sizes(1e-15, 1e30), other],
      ];
      for (const [name, exact, x, y] of pairs) {
        const found = await values(gpu, name, x, y);
        const errors = Array.from(x, (a, i) => {
          const truth = exact(a, y[i]!);
          return Math.abs(truth) > 2e-38 && Math.abs(truth) < 3.4e38 ? Math.abs(found[i]! / truth - 1) : 0;
        });
        const worst = errors.reduce((a, b) => Math.max(a, b), 0);
        expect.soft(worst, name).toBeLessThan(3e-7);
      }
    }));

  test('e_*(): at the edges they answer as Math does', () =>
    withGpu(async (gpu) => {
      const x = Float32Array.of(
        0,
        1,
        -1,
        Infinity,
        -Infinity,
        NaN,
        1e30,
        -1e30,
        100,
        -100,
        1.5,
        -1.5,
        2,
        -2,
        0.5,
        -0.5,
        2.5,
      );
      const names = new Set(CASES.map(([name, exact]) => [name, exact] as const));
      for (const [name, exact] of names) {
        if (name === 'e_sin' || name === 'e_cos' || name === 'e_tan') continue;
        expectAlike(
          name,
          [...x].map((a) => [a]),
          await values(gpu, name, x),
          exact,
        );
      }
      expectAlike(
        'e_round',
        [...x].map((a) => [a]),
        await values(gpu, 'e_round', x),
        Math.round,
      );
      const pairs = [...x].flatMap((a) => [...x].map((b): [number, number] => [a, b]));
      const first = Float32Array.from(pairs, ([a]) => a);
      const second = Float32Array.from(pairs, ([, b]) => b);
      expectAlike('e_pow', pairs, await values(gpu, 'e_pow', first, second), Math.pow);
    }));

  test('e_sin(), e_cos(): beyond 1e5 they stay in [-1, 1], and are NaN at infinity', () =>
    withGpu(async (gpu) => {
      const x = Float32Array.of(1e6, -3e7, 1e10, -1e20, 3e38, Infinity, NaN);
      for (const name of ['e_sin', 'e_cos'] as const) {
        const found = await values(gpu, name, x);
        expect([...found].map((y) => Math.abs(y) <= 1)).toEqual([true, true, true, true, true, false, false]);
        expect(found[5]).toBeNaN();
      }
    }));
});

/** Same NaN, infinity or zero as the exact result in float32, else within 4e-7. */
function expectAlike(
  name: string,
  args: readonly (readonly number[])[],
  found: Float32Array,
  exact: (...x: number[]) => number,
): void {
  const wrong = args.filter((x, i) => {
    let truth = Math.fround(exact(...x));
    if (Math.abs(truth) < 2 ** -126) truth = 0;
    return Number.isFinite(truth) && truth !== 0
      ? !(Math.abs(found[i]! / truth - 1) < 4e-7)
      : !Object.is(found[i]! + 0, truth + 0);
  });
  expect.soft(wrong, name).toEqual([]);
}
