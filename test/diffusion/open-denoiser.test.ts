import { expect, test } from 'vitest';
import { hostBackend } from '../../engine/backend/host.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { empiricalDenoiser } from '../../engine/diffusion/analytic/empirical-denoiser.ts';
import { mixtureDenoiser } from '../../engine/diffusion/analytic/mixture-denoiser.ts';
import type { Denoiser, OpenDenoiser, Prediction, Times } from '../../engine/diffusion/denoiser.ts';
import { openDenoiser } from '../../engine/diffusion/open-denoiser.ts';
import { conversion, scalesAt } from '../../engine/diffusion/prediction.ts';
import { rectifiedFlow, veLinear } from '../../engine/diffusion/schedules.ts';
import { ModelError, OptionError, ShapeError, ValueError } from '../../engine/errors.ts';
import { exact, expectClose, LAW, points, vp } from '../support/denoised-law.ts';

function open(denoiser: Denoiser, signal?: AbortSignal): OpenDenoiser {
  return openDenoiser({
    where: 'test',
    denoiser,
    backend: jsBackend(),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** What the exact denoiser says, in another form and as nothing but a function. */
function network(form: Prediction, rest: Partial<Denoiser> = {}): Denoiser {
  return {
    name: 'network',
    dimension: 2,
    schedule: vp,
    prediction: form,
    predict(x, time, out) {
      void exact.predict(x, time, out);
      for (let at = 0; at < x.length; at++) {
        const t = typeof time === 'number' ? time : time[at >> 1]!;
        const { onX, onValue } = conversion('score', form, scalesAt(vp, t));
        out[at] = onX * x[at]! + onValue * out[at]!;
      }
    },
    ...rest,
  };
}

interface Found {
  readonly score: Float64Array;
  readonly clean: Float64Array;
  readonly noise: Float64Array;
}

async function evaluate(denoiser: Denoiser, x: Float64Array, time: Times): Promise<Found> {
  const found = { score: x.slice(), clean: x.slice(), noise: x.slice() };
  await open(denoiser).evaluate(x, time, x.length / 2, found);
  return found;
}

function sameBits(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}

test('openDenoiser: all forms of a prediction give the same score, E[x_0] and noise', async () => {
  const x = points(40);
  for (const time of [0.35, Float64Array.from({ length: 40 }, (_, i) => 0.02 + i / 45)]) {
    const expected = await evaluate(exact, x, time);
    for (const form of ['clean', 'noise', 'score', 'v', 'flow'] as const) {
      const found = await evaluate(network(form), x, time);
      // E[x_0] from the noise magnifies roundings by up to 100 at time 0.9.
      for (const name of ['score', 'clean', 'noise'] as const)
        expectClose(found[name], expected[name], 1e-12);
    }
  }
});

test('openDenoiser: numbers that are returned count as those that are filled, single precision too', async () => {
  const x = points(10);
  const expected = await evaluate(network('noise'), x, 0.5);
  const filling = network('noise').predict;
  const wraps: readonly (readonly [(own: Float64Array) => ArrayLike<number>, number])[] = [
    [(own) => own, 1e-15],
    [(own) => Float32Array.from(own), 1e-6],
    [(own) => Array.from(own), 1e-15],
  ];
  for (const [wrap, slack] of wraps) {
    const returning = network('noise', {
      async predict(at, time, out) {
        const own = new Float64Array(out.length);
        await filling(at, time, own);
        return wrap(own);
      },
    });
    expectClose((await evaluate(returning, x, 0.5)).noise, expected.noise, slack);
  }
});

test('openDenoiser: kernels, plain JavaScript and arrays from elsewhere give the same bits', async () => {
  const wasm = await hostBackend({ threads: 1 });
  const n = 203;
  const results: Float64Array[] = [];
  for (const backend of [jsBackend(), wasm]) {
    for (const held of [true, false]) {
      const arena = backend.arena();
      const floats = (length: number): Float64Array => (held ? arena.f64(length) : new Float64Array(length));
      const opened = openDenoiser({ where: 'test', denoiser: exact, backend });
      const x = floats(2 * n);
      x.set(points(n));
      for (const time of [0.3, 0.8]) {
        const wanted = { clean: floats(2 * n), noise: floats(2 * n), logDensity: floats(n) };
        await opened.evaluate(x, time, n, wanted);
        results.push(Float64Array.from([...wanted.clean, ...wanted.noise, ...wanted.logDensity]));
      }
      const plain = new Float64Array(2 * n);
      await opened.evaluate(x, 0.8, n, { score: plain });
      const direct = new Float64Array(2 * n);
      void exact.predict(points(n), 0.8, direct);
      expect(sameBits(plain, direct)).toBe(true);
      opened.dispose();
      arena.release();
    }
  }
  for (let i = 2; i < results.length; i++) expect(sameBits(results[i]!, results[i % 2]!)).toBe(true);
  await wasm.dispose();
});

test('openDenoiser: arrays from elsewhere reach the kernels block by block', async () => {
  const wasm = await hostBackend({ threads: 1 });
  const n = 40_000;
  const normal = mixtureDenoiser({ means: [[2]], covariances: [[[0.7]]] }, veLinear());
  const opened = openDenoiser({ where: 'test', denoiser: normal, backend: wasm });
  const x = Float64Array.from({ length: n }, (_, row) => row / n);
  const [score, logDensity] = [new Float64Array(n), new Float64Array(n)];
  await opened.evaluate(x, 0.5, n, { score, logDensity });
  for (const row of [0, 16_383, 16_384, 32_768, n - 1]) {
    expect(score[row]).toBeCloseTo((2 - x[row]!) / 0.95, 14);
    expect(logDensity[row]).toBeCloseTo(
      -0.5 * (Math.log(2 * Math.PI * 0.95) + (2 - x[row]!) ** 2 / 0.95),
      14,
    );
  }
  opened.dispose();
  await wasm.dispose();
});

test('openDenoiser: long batches are cut into blocks, without a trace but for the calls', async () => {
  const rows: number[] = [];
  const denoiser = network('clean', { rows: 7 });
  const counting: Denoiser = {
    ...denoiser,
    predict(x, time, out) {
      rows.push(x.length / 2);
      if (typeof time !== 'number') expect(time).toHaveLength(x.length / 2);
      return denoiser.predict(x, time, out);
    },
  };
  const x = points(23);
  const time = Float64Array.from({ length: 23 }, (_, i) => 0.1 + i / 40);
  const found = await evaluate(counting, x, time);
  expect(rows).toEqual([7, 7, 7, 2]);
  expect(found).toEqual(await evaluate(network('clean'), x, time));
});

test('openDenoiser: rows behind the first n are neither asked nor touched', async () => {
  const x = points(5).fill(Number.NaN, 6);
  for (const denoiser of [exact, network('v'), empiricalDenoiser([[1, 2]], vp)]) {
    const clean = new Float64Array(10).fill(7);
    const opened = open(denoiser);
    await opened.evaluate(x, 0.5, 3, { clean });
    expect([...clean.subarray(6)]).toEqual([7, 7, 7, 7]);
    expect(opened.evaluations).toBe(3);
  }
});

test('openDenoiser: evaluations count rows, and a resumed one goes on counting', async () => {
  const opened = openDenoiser({ where: 'test', denoiser: network('noise'), backend: jsBackend() }, 100);
  const x = points(4);
  const out = new Float64Array(8);
  await opened.evaluate(x, 0.5, 4, { score: out, clean: out.slice() });
  expect(opened.evaluations).toBe(104);
  await opened.cleanTangent(x, 0.5, 4, points(4), out);
  expect(opened.evaluations).toBe(112);
  await opened.evaluate(x, 0.5, 0, { score: out });
  expect(opened.evaluations).toBe(112);
});

test('openDenoiser: a tangent by differences is that of the law', async () => {
  const x = points(9);
  const direction = Float64Array.from({ length: 18 }, (_, at) =>
    at < 2 ? 0 : Math.cos(at) * 10 ** (at % 5),
  );
  for (const time of [0.5, Float64Array.from({ length: 9 }, (_, i) => 0.1 + i / 10)]) {
    const [own, by] = [new Float64Array(18), new Float64Array(18)];
    await open(exact).cleanTangent(x, time, 9, direction, own);
    await open(network('clean')).cleanTangent(x, time, 9, direction, by);
    for (let row = 0; row < 9; row++) {
      const size = Math.hypot(direction[2 * row]!, direction[2 * row + 1]!);
      for (const at of [2 * row, 2 * row + 1])
        expect(Math.abs(by[at]! - own[at]!)).toBeLessThanOrEqual(2e-6 * size);
    }
  }
  // One coordinate of the Jacobian of E[x_0] by hand: a normal law, alpha e / (alpha^2 e + sigma^2).
  const normal = mixtureDenoiser({ means: [[2]], covariances: [[[0.7]]] }, vp);
  const out = new Float64Array(1);
  await open(normal).cleanTangent(Float64Array.of(3), 0.4, 1, Float64Array.of(1), out);
  const [alpha, sigma] = [vp.signal(0.4), vp.noise(0.4)];
  expect(out[0]).toBeCloseTo((alpha * 0.7) / (alpha ** 2 * 0.7 + sigma ** 2), 14);
});

test('openDenoiser: where numbers are declared float32, derivatives by differences take larger steps and are 5 times as near', async () => {
  const x = points(40);
  const direction = x.map((_, at) => Math.cos(at));
  const law = network('clean');
  const rounded: Denoiser = {
    ...law,
    predict: async (at, time, out) => {
      await law.predict(at.map(Math.fround), time, out);
      // A network adds up many rounded numbers: three bits fewer than float32 has.
      out.set(out.map((value) => Math.fround(value + 2 ** 3 * value) - Math.fround(2 ** 3 * value)));
    },
  };
  const [own, by] = [new Float64Array(80), new Float64Array(80)];
  for (const time of [0.15, 0.4, 0.9]) {
    await open(exact).cleanTangent(x, time, 40, direction, own);
    const [before, after] = await Promise.all(
      [rounded, { ...rounded, precision: 'float32' } as const].map(async (denoiser) => {
        const found = by.slice();
        await open(denoiser).cleanTangent(x, time, 40, direction, found);
        return Math.hypot(...found.map((value, at) => value - own[at]!)) / Math.hypot(...own);
      }),
    );
    expect(after!).toBeLessThan(before! / 5);
  }
});

test('openDenoiser: ends without noise or signal give what exists there', async () => {
  const flow = mixtureDenoiser(LAW, rectifiedFlow());
  const x = points(3);
  const end = await evaluate(flow, x, 1);
  expectClose(end.clean, [-0.05, 0.05, -0.05, 0.05, -0.05, 0.05], 1e-15);
  expectClose(end.noise, x, 1e-15);
  const data = await evaluate(flow, x, 0);
  expectClose(data.clean, x, 1e-15);
  const out = new Float64Array(6);
  await open(flow).cleanTangent(x, 0, 3, x, out);
  expect(out).toEqual(x);
  await open(flow).cleanTangent(x, 1, 3, x, out);
  expect(out).toEqual(new Float64Array(6));
  const points0 = empiricalDenoiser([[1, 2]], vp);
  await expect(open(points0).evaluate(x, 0, 3, { score: out }, 9)).rejects.toThrow(
    "test: the score of `denoiser` (one point) is wanted at step 9, time 0, where vp-linear has no noise and a 'clean' prediction does not give it; expected some noise.",
  );
  const velocity: Denoiser = {
    ...network('noise'),
    schedule: rectifiedFlow(),
    predict: (_x, _t, fill) => void fill.fill(0),
  };
  await expect(open(velocity).evaluate(x, 1, 3, { clean: out })).rejects.toThrow('has no signal');
});

test('openDenoiser: much noise does not cost digits of E[x_0]', async () => {
  const wide = mixtureDenoiser(LAW, veLinear({ end: 1e9 }));
  const x = points(3).map((value) => 1e8 * value);
  const { clean } = await evaluate(wide, x, 1e8);
  const expected = new Float64Array(6);
  void wide.clean!(x, 1e8, expected);
  expect(clean).toEqual(expected);
  const by = (await evaluate({ ...network('score'), predict: wide.predict, schedule: wide.schedule }, x, 1e8))
    .clean;
  // The difference of numbers of size 1e8 loses them: what `clean` is for.
  expect(Math.abs(by[0]! - clean[0]!)).toBeGreaterThan(1e-10);
});

test('openDenoiser: numbers that are not finite name the denoiser, step, time, how many rows and the first', async () => {
  const broken = network('noise', {
    predict: (x, _time, out) => {
      out.fill(0);
      x.forEach((value, at) => {
        if (value > 1) out[at] = at % 4 === 0 ? Number.NaN : Infinity;
      });
    },
  });
  const x = points(200);
  const bad = Array.from({ length: 200 }, (_, row) => row).filter(
    (row) => x[2 * row]! > 1 || x[2 * row + 1]! > 1,
  );
  const failure = open(broken).evaluate(x, 0.25, 200, { clean: new Float64Array(400) }, 12);
  await expect(failure).rejects.toThrow(ValueError);
  await expect(failure).rejects.toThrow(
    `test: the noise prediction of \`denoiser\` (network) is NaN or infinite in ${bad.length} of 200 rows at step 12, time 0.25, first in row ${bad[0]} (`,
  );
  await expect(failure).rejects.toMatchObject({
    index: bad[0],
    point: x.slice(2 * bad[0]!, 2 * bad[0]! + 2),
  });
  const silent = network('score', { predict: () => {} });
  await expect(evaluate(silent, x, 0.5)).rejects.toThrow('in 200 of 200 rows');
  const dense = network('score', { logDensity: (_x, _t, out) => void out.fill(Infinity) });
  await expect(open(dense).evaluate(x, 0.5, 2, { logDensity: new Float64Array(2) })).rejects.toThrow(
    'the log density of',
  );
});

test('openDenoiser: a batch of the wrong shape is a ShapeError with both numbers', async () => {
  const short = network('score', { predict: () => new Float64Array(5) });
  await expect(evaluate(short, points(4), 0.5)).rejects.toThrow(ShapeError);
  await expect(evaluate(short, points(4), 0.5)).rejects.toThrow(
    'test: `denoiser` (network) returned 5 numbers for 4 rows of 2; expected 8 numbers.',
  );
  // @ts-expect-error no numbers at all
  const none = network('score', { predict: () => ({ data: [] }) });
  await expect(evaluate(none, points(4), 0.5)).rejects.toThrow(
    'returned an object with data for 4 rows of 2',
  );
  await expect(open(exact).evaluate(points(3), 0.5, 4, {})).rejects.toThrow(
    'x has length 6; expected at least 8',
  );
  const failure = open(exact).evaluate(points(3), new Float64Array(2), 3, {});
  await expect(failure).rejects.toThrow('time has length 2; expected at least 3');
});

test('openDenoiser: one that throws is a ModelError with what it threw', async () => {
  const failing = network('score', {
    predict() {
      throw new TypeError('no session');
    },
  });
  const failure = open(failing).evaluate(points(2), 0.5, 2, { score: new Float64Array(4) }, 3);
  await expect(failure).rejects.toThrow(ModelError);
  await expect(failure).rejects.toThrow(
    '`denoiser` (network) threw TypeError: no session at step 3, time 0.5',
  );
});

test('openDenoiser: a log density or divergence that is missing is told before any work', async () => {
  let calls = 0;
  const bare = network('score', { predict: () => void calls++ });
  const wanted = { score: new Float64Array(4), logDensity: new Float64Array(2) };
  await expect(open(bare).evaluate(points(2), 0.5, 2, wanted)).rejects.toThrow(OptionError);
  await expect(open(bare).evaluate(points(2), 0.5, 2, { divergence: new Float64Array(2) })).rejects.toThrow(
    '`denoiser` (network) has no divergence; expected a denoiser with `divergence`',
  );
  expect(calls).toBe(0);
});

test('openDenoiser: timers fire while a long batch is under way', async () => {
  let fired = false;
  const busy = network('score', {
    rows: 1,
    predict(_x, _t, out) {
      for (const start = performance.now(); performance.now() - start < 10; );
      out.fill(0);
    },
  });
  setTimeout(() => {
    fired = true;
  }, 1);
  await open(busy).evaluate(points(5), 0.5, 5, { score: new Float64Array(10) });
  expect(fired).toBe(true);
});

test('openDenoiser: an aborted signal ends a batch between blocks', async () => {
  const control = new AbortController();
  let calls = 0;
  const slow = network('score', {
    rows: 1,
    predict(_x, _t, out) {
      out.fill(0);
      if (++calls === 3) control.abort(new Error('enough'));
    },
  });
  const failure = open(slow, control.signal).evaluate(points(9), 0.5, 9, { score: new Float64Array(18) });
  await expect(failure).rejects.toThrow('enough');
  expect(calls).toBe(3);
});

test('openDenoiser: what is no denoiser names the part', () => {
  // @ts-expect-error wrong on purpose, as are those below
  expect(() => open(3)).toThrow('test: option `denoiser` is 3; expected a denoiser');
  expect(() => open({ ...exact, dimension: 0 })).toThrow('option `denoiser.dimension` is 0');
  // @ts-expect-error
  expect(() => open({ ...exact, prediction: 'eps' })).toThrow('option `denoiser.prediction` is "eps"');
  // @ts-expect-error
  expect(() => open({ ...exact, predict: undefined })).toThrow('option `denoiser.predict` is undefined');
  // @ts-expect-error
  expect(() => open({ ...exact, schedule: 'vp' })).toThrow('option `denoiser.schedule` is "vp"');
});
