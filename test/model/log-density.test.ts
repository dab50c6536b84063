import { afterAll, expect, test } from 'vitest';
import type { Backend } from '../../engine/backend/backend.ts';
import { hostBackend } from '../../engine/backend/host.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { gpuKernel } from '../../engine/backend/user-kernel.ts';
import { ModelError, OptionError, ValueError } from '../../engine/errors.ts';
import { type LogDensity, type LogDensitySource, openLogDensity } from '../../engine/model/log-density.ts';
import { moduleModel, named, pointwise } from '../../engine/model/model.ts';
import { checkGradient, numericGradient } from '../../engine/model/numeric-gradient.ts';

const js = jsBackend();
const host = await hostBackend({ threads: 2 });
afterAll(() => host.dispose());

function open(source: LogDensitySource, dimension = 2, backend: Backend = js): Promise<LogDensity> {
  const signal = new AbortController().signal;
  const option = 'logLikelihood';
  return openLogDensity({ where: 'test', option, source, dimension, planned: 4, backend, signal });
}

/** -x^2/2 - y^2 on x >= 0, no mass elsewhere. */
function half(x: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++)
    out[i] = x[2 * i]! < 0 ? -Infinity : -0.5 * x[2 * i]! ** 2 - x[2 * i + 1]! ** 2;
}

function halfGradient(x: Float64Array, out: Float64Array, gradient: Float64Array): void {
  half(x, out);
  for (let i = 0; i < out.length; i++) {
    gradient[2 * i] = out[i] === -Infinity ? Number.NaN : -x[2 * i]!;
    gradient[2 * i + 1] = out[i] === -Infinity ? Number.NaN : -2 * x[2 * i + 1]!;
  }
}

const points = [1, 2, -1, 2, 3, 0, 0.5, -1];
const expected = [-4.5, -Infinity, -4.5, -1.125];

async function values(source: LogDensitySource, backend: Backend = js): Promise<number[]> {
  const density = await open(source, 2, backend);
  const arena = backend.arena();
  const x = arena.f64(points.length);
  x.set(points);
  const out = new Float64Array(4);
  await density.evaluate(x, 4, out);
  expect(density.evaluations).toBe(4);
  density.dispose();
  arena.release();
  return [...out];
}

const MODULE = moduleModel(
  `data:text/javascript,${encodeURIComponent(
    "export default { kind: 'pointwise', evaluate: ([x, y]) => (x < 0 ? -Infinity : -0.5 * x ** 2 - y ** 2) };",
  )}`,
);

test.each<[string, LogDensitySource, Backend]>([
  ['a function of a batch', half, js],
  ['pointwise()', pointwise(([x, y]) => (x! < 0 ? -Infinity : -0.5 * x! ** 2 - y! ** 2)), js],
  ['named()', named(({ x1, x2 }) => (x1! < 0 ? -Infinity : -0.5 * x1! ** 2 - x2! ** 2)), js],
  ['a function with its gradient', { logDensity: half, gradient: halfGradient }, js],
  ['a module, on this thread', MODULE, js],
  ['a module, in workers', MODULE, host],
])('openLogDensity(): %s may answer -Infinity', async (_, source, backend) => {
  expect(await values(source, backend)).toEqual(expected);
});

test('openLogDensity(): a kernel of d + 1 outputs gives its score and the log density', async () => {
  const kernel = gpuKernel(
    (x) => {
      return [-x[0]!, -2 * x[1]!, -0.5 * x[0]! * x[0]! - x[1]! * x[1]!];
    },
    { dims: 2, outputs: 3 },
  );
  const density = await open(kernel);
  const out = new Float64Array(2);
  const gradient = new Float64Array(4);
  expect(density.gradient).toBe(true);
  await density.evaluate(Float64Array.of(1, 2, 3, 0), 2, out, gradient);
  expect([...out, ...gradient]).toEqual([-4.5, -4.5, -1, -4, -3, -0]);
});

test('openLogDensity(): NaN and +Infinity are errors that name the point, its row and its coordinates', async () => {
  for (const bad of [Number.NaN, Infinity]) {
    const density = await open((x, out) => {
      for (let i = 0; i < out.length; i++) out[i] = x[2 * i] === 3 ? bad : 0;
    });
    const error = await density.evaluate(Float64Array.from(points), 4, new Float64Array(4)).catch((e) => e);
    expect(error).toBeInstanceOf(ValueError);
    expect(error.message).toBe(
      `test: \`logLikelihood\` is ${bad} at point 2 (x1 = 3, x2 = 0); expected a finite number, or -Infinity where there is no mass. See error.point.`,
    );
    expect(error.index).toBe(2);
    expect([...error.point]).toEqual([3, 0]);
  }
});

test('openLogDensity(): rows that a batch leaves out are NaN, in every block', async () => {
  const density = await open((_, out) => void out.fill(0, 0, out.length - 1), 1);
  const rows = 20000;
  const error = await density.evaluate(new Float64Array(rows), rows, new Float64Array(rows)).catch((e) => e);
  expect(error.index).toBe(8191);
});

test('openLogDensity(): a gradient must be finite where there is mass, and may be anything elsewhere', async () => {
  const density = await open({ logDensity: half, gradient: halfGradient });
  const out = new Float64Array(4);
  const gradient = new Float64Array(8);
  await density.evaluate(Float64Array.from(points), 4, out, gradient);
  expect([...gradient]).toEqual([-1, -4, Number.NaN, Number.NaN, -3, -0, -0.5, 2]);
  const broken = await open({
    logDensity: half,
    gradient(x, values, slopes) {
      half(x, values);
      slopes.fill(1, 0, 5);
    },
  });
  const error = await broken.evaluate(Float64Array.from(points), 4, out, gradient).catch((e) => e);
  expect(error.message).toContain('NaN in its gradient by x2 at point 2');
});

test('openLogDensity(): a throw is a ModelError with the point; a gradient that is not there an OptionError', async () => {
  const density = await open(
    pointwise(([x]) => {
      if (x === 3) throw new RangeError('too far');
      return 0;
    }),
  );
  const out = new Float64Array(4);
  const x = Float64Array.from(points);
  await expect(density.evaluate(x, 4, out)).rejects.toThrow(ModelError);
  await expect(density.evaluate(x, 4, out)).rejects.toThrow(
    /`logLikelihood` threw RangeError: too far at evaluation 6/,
  );
  await expect(density.evaluate(x, 4, out, x)).rejects.toThrow(OptionError);
  await expect(density.evaluate(x, 4, out, x)).rejects.toThrow(/numericGradient\(f, d\)/);
});

test('numericGradient(): central differences, one-sided at an edge, counted as 2 d + 1 evaluations', async () => {
  const density = await open(numericGradient(half, 2));
  const out = new Float64Array(2);
  const gradient = new Float64Array(4);
  await density.evaluate(Float64Array.of(1, 2, 0, 0.5), 2, out, gradient);
  expect([...out]).toEqual([-4.5, -0.25]);
  [-1, -4, 0, -1].forEach((slope, at) => void expect(gradient[at]).toBeCloseTo(slope, 5));
  expect(density.evaluations).toBe(10);
  expect(() => numericGradient(half, 2, { step: 0 })).toThrow(OptionError);
});

test('checkGradient(): tells a wrong sign, with coordinate and point', async () => {
  const x = Float64Array.of(1, 2, 0.3, 0.4);
  await checkGradient({ logDensity: half, gradient: halfGradient }, x, 2);
  const wrong = {
    logDensity: half,
    gradient(points: Float64Array, out: Float64Array, gradient: Float64Array) {
      halfGradient(points, out, gradient);
      gradient[3] = -gradient[3]!;
    },
  };
  await expect(checkGradient(wrong, x, 2)).rejects.toThrow(/coordinate 1 is 0.8 at point 1/);
});
