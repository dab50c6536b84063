import { expect, test } from 'vitest';
import { bindKernel, gpuKernel } from '../../../engine/index.ts';
import { describeGpu, withGpu } from '../../support/gpu.ts';
import { onCard, onHost, worstDifference } from '../../support/kernel.ts';
import { CORPUS, corpusKernel, POINTS } from './corpus.ts';

/** A kernel of one number and the points at which the card must say that it fails; the host's answer is of no use. */
const FAILURES: readonly (readonly [text: string, at: readonly number[], good: number])[] = [
  ['1 / x[0]', [0, -0], 2],
  ['2 / (x[0] - 1)', [1], 2],
  ['0 * x[0] / x[0]', [0], 2],
  ['5 % x[0]', [0], 2],
  ['Math.floor(3 / x[0])', [0], 2],
  ['Math.log(x[0])', [0, -1], 2],
  ['Math.log2(x[0]) + Math.log10(x[0])', [0, -1], 2],
  ['Math.log1p(x[0])', [-1, -2], 2],
  ['Math.sqrt(x[0])', [-1e-3], 2],
  ['x[0] ** 0.3', [-1], 2],
  ['Math.pow(x[0], -1.5)', [0], 2],
  ['Math.asin(x[0]) + Math.acos(x[0])', [1.01, -2], 0.5],
  ['Math.acosh(x[0])', [0.5], 2],
  ['Math.atanh(x[0])', [1, -1.5], 0.5],
  ['Math.exp(x[0])', [90], 2],
  ['Math.sin(x[0])', [1e6], 2],
  // Overflow in float32, which later steps would hide.
  ['x[0] * x[0]', [1e30], 2],
  ['1 / (x[0] * x[0])', [1e30], 2],
  ['Math.exp(-x[0] * x[0])', [1e30], 2],
  ['Math.min(x[0] * x[0], 5)', [1e30], 2],
  ['Math.tanh(x[0] * x[0])', [1e30], 2],
  ['Math.sign(x[0] * x[0] - x[0] * x[0])', [1e30], 2],
  ['x[0] * x[0] > 1 ? 1 : 0', [1e30], 2],
  ['Math.atan2(1, x[0] * x[0])', [1e30], 2],
  // Indices outside their arrays.
  ['x[x[0]]', [1, -1, 0.5, 1e9], 0],
  ['x[Math.floor(x[0] / 2)]', [2, 1e20, -0.1], 1.5],
  // Infinities in arithmetic.
  ['(x[0] > 0 ? 1 : -Infinity) * 0.5', [-1], 2],
  ['Math.exp(x[0] > 0 ? 1 : -Infinity)', [-1], 2],
  ['1 / (x[0] > 0 ? 1 : Infinity)', [-1], 2],
  ['Math.tanh(Math.max(x[0], -Infinity) + (x[0] > 0 ? 0 : Infinity))', [-1], 2],
];

describeGpu('gpuKernel on a card', () => {
  test('bindKernel(): each construct of the corpus gives what it gives on the host, within 1e-5', () =>
    withGpu(async (gpu) => {
      for (const entry of CORPUS) {
        const kernel = corpusKernel(entry);
        const found = await onCard(gpu, kernel, POINTS);
        expect(worstDifference(found, onHost(kernel, POINTS)), entry.name).toBeLessThan(1e-5);
      }
      expect(gpu.used).toBe(0);
    }));

  test('bindKernel(): where a number cannot be had the answer is NaN, never a plausible number', () =>
    withGpu(async (gpu) => {
      for (const [text, at, good] of FAILURES) {
        const kernel = gpuKernel(`(x) => ${text}`, { dims: 1 });
        const points = [...at, good].map((value) => [value]);
        const found = await onCard(gpu, kernel, points);
        at.forEach((value, i) => {
          expect(found[i], `${text} at ${value}`).toBeNaN();
        });
        expect(worstDifference(found.slice(at.length), onHost(kernel, [[good]])), text).toBeLessThan(1e-5);
      }
    }));

  test('bindKernel(): all outputs of a failed point are NaN by their bits, and its neighbours are not', () =>
    withGpu(async (gpu) => {
      const kernel = gpuKernel((x) => [x[0]!, Math.log(x[1]!), 3], { dims: 2 });
      const found = await onCard(gpu, kernel, [
        [1, 1],
        [2, -1],
        [3, 1],
      ]);
      const bits = new Uint32Array(found.buffer);
      expect([...bits.slice(3, 6)]).toEqual([0x7fc00000, 0x7fc00000, 0x7fc00000]);
      expect([...found.slice(0, 3), ...found.slice(6)]).toEqual([1, 0, 3, 3, 0, 3]);
    }));

  test('bindKernel(): return NaN makes a point fail, return -Infinity gives an infinity', () =>
    withGpu(async (gpu) => {
      const kernel = gpuKernel(
        (x) => {
          if (x[0]! > 1) return NaN;
          return x[0]! < 0 ? -Infinity : x[0]!;
        },
        { dims: 1 },
      );
      expect([...(await onCard(gpu, kernel, [[2], [-1], [0.5]]))]).toEqual([NaN, -Infinity, 0.5]);
    }));

  test('bindKernel(): any number of points, one output or many', () =>
    withGpu(async (gpu) => {
      const kernel = gpuKernel(
        function (x, j) {
          return x[0]! * (j + 1) + this.constants.c[j]!;
        },
        { dims: 2, outputs: 5, constants: { c: [0, 1, 2, 3, 4] } },
      );
      for (const n of [1, 255, 257, 70_001]) {
        const points = Array.from({ length: n }, (_, i) => [i % 1000, -1]);
        const found = await onCard(gpu, kernel, points);
        const wanted = points.flatMap(([a]) => [0, 1, 2, 3, 4].map((j) => a! * (j + 1) + j));
        expect(worstDifference(found, wanted), `${n} points`).toBe(0);
      }
    }));

  test('bindKernel(): two kernels of one name and different constants stand side by side', () =>
    withGpu(async (gpu) => {
      const make = (a: number): ReturnType<typeof gpuKernel> =>
        gpuKernel(
          function scaled(x) {
            return this.constants.a * x[0]!;
          },
          { dims: 1, constants: { a } },
        );
      const [two, three] = [make(2), make(3)];
      expect([two.name, three.name]).toEqual(['scaled', 'scaled']);
      expect([...(await onCard(gpu, two, [[1]])), ...(await onCard(gpu, three, [[1]]))]).toEqual([2, 3]);
    }));

  test('gpuKernel(): constants are copied, so that later changes change nothing', () =>
    withGpu(async (gpu) => {
      const w = new Float64Array([1, 2]);
      const kernel = gpuKernel(
        function (x) {
          return this.constants.w[1]! * x[0]!;
        },
        { dims: 1, constants: { w } },
      );
      w[1] = 100;
      expect([...(await onCard(gpu, kernel, [[3]])), kernel.evaluate(Float64Array.of(3))]).toEqual([6, 6]);
    }));

  test('bindKernel(): 60 rounds of binding and releasing leave no memory on the card', () =>
    withGpu(async (gpu) => {
      const arena = gpu.arena();
      const x = arena.f32(2);
      const y = arena.f32(1);
      const before = gpu.used;
      for (let round = 0; round < 60; round++) {
        const options = { dims: 2, constants: { table: [1, 2, 3, round] } };
        const kernel = gpuKernel(
          `function (x) { return this.constants.table[${round % 4}] * x[0]; }`,
          options,
        );
        const bound = await bindKernel(gpu, kernel);
        bound.run(x, y, 1);
        bound.release();
        bound.release();
      }
      await gpu.done();
      expect(gpu.used).toBe(before);
      arena.release();
      expect(gpu.used).toBe(0);
    }));
});
