import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../engine/backend/host.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import type { Inputs } from '../../engine/distribution/inputs.ts';
import { uniform } from '../../engine/distribution/uniform.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { run } from '../../engine/run.ts';
import type { BatchFn } from '../../engine/types.ts';
import { resampleCounts } from '../../engine/wasm/twins/bootstrap.ts';
import { normalQuantile } from '../../engine/wasm/twins/normal.ts';
import { sobolAnalyze, sobolDesign } from '../../estimators/sensitivity/ask-tell.ts';
import { bootstrap } from '../../estimators/sensitivity/bootstrap.ts';
import { estimate } from '../../estimators/sensitivity/estimates.ts';
import { bootstrapIntervals, studentIntervals } from '../../estimators/sensitivity/intervals.ts';
import { planDesign } from '../../estimators/sensitivity/plan.ts';
import { centreProgram, quantitiesOf } from '../../estimators/sensitivity/quantities.ts';
import { sobolIndices } from '../../estimators/sensitivity/sobol-indices.ts';
import type { SobolOptions, SobolResult } from '../../estimators/sensitivity/types.ts';
import { numbers } from '../contract/sampler.ts';
import { batchOf, gFunction, inputsOf, ishigami } from '../support/functions.ts';
import { expectLaw, expectRejected } from '../support/law.ts';

const f = ishigami();

function sobol(options: Partial<SobolOptions>, seed = 9): Promise<SobolResult> {
  const method = sobolIndices({ model: f.model, inputs: f.inputs, ...options });
  return run(method, { seed, backend: jsBackend() });
}

describe('replicates', () => {
  test('value, standard error and ends are those of a mean of R numbers with R - 1 degrees of freedom', () => {
    const { value, standardError, low, high } = studentIntervals(
      [1, 2, 4, 5].map((x) => Float64Array.of(x)),
      0.95,
    );
    const se = Math.sqrt((4 + 1 + 1 + 4) / 3 / 4);
    expect(value[0]).toBe(3);
    expect(standardError[0]).toBeCloseTo(se, 14);
    // t quantile at 0.975 with 3 degrees of freedom.
    expect(high[0]! - 3).toBeCloseTo(3.182446305284263 * se, 10);
    expect(3 - low[0]!).toBeCloseTo(3.182446305284263 * se, 10);
  });

  test("the value is the mean of the replicates' own estimates", async () => {
    const whole = await sobol({ points: 2048, replicates: 4 });
    const pooled = await sobol({ points: 2048, replicates: 4, interval: 'none' });
    expect(whole.totalOrder.value[0]).not.toBe(pooled.totalOrder.value[0]);
    expect(Math.abs(whole.totalOrder.value[0]! - pooled.totalOrder.value[0]!)).toBeLessThan(
      whole.totalOrder.standardError[0]!,
    );
  });

  test('the totals of each replicate come with the result: their means are ST, and only replicates bring them', async () => {
    const { outputs } = await sobol({ points: 1024, replicates: 4 });
    const { replicateTotals, totalOrder } = outputs[0]!;
    const { replicates, values } = replicateTotals!;
    const d = totalOrder.value.length;
    expect([replicates, values.length]).toEqual([4, 4 * d]);
    const rows = Array.from({ length: 4 }, (_, r) => values.slice(r * d, (r + 1) * d));
    const again = studentIntervals(rows, 0.95);
    expect([again.value, again.low]).toEqual([totalOrder.value, totalOrder.low]);
    const others = [{ replicates: 1 }, { design: 'iid' }, { interval: 'bootstrap', resamples: 50 }] as const;
    for (const options of others) {
      const other = await sobol({ points: 256, ...options });
      expect(other.outputs[0]!.replicateTotals).toBeUndefined();
    }
  });

  test('one replicate gives the value and no standard error', async () => {
    const { totalOrder, design, diagnostics } = await sobol({ points: 1024, replicates: 1 });
    expect(totalOrder.standardError.every(Number.isNaN)).toBe(true);
    expect(totalOrder.value.every(Number.isFinite)).toBe(true);
    expect(design.interval).toBe('none');
    expect(diagnostics.warnings.map(({ code }) => code)).toContain('one-replicate');
  });

  test('the advice for one replicate is one that can be followed: replicates where points allow them, else points', async () => {
    const advice = async (options: Partial<SobolOptions>): Promise<string> => {
      const { warnings } = (await sobol(options)).diagnostics;
      return warnings.find(({ code }) => code === 'one-replicate')!.message;
    };
    expect(await advice({ points: 16, replicates: 1 })).toContain('Use --replicates 8');
    const few = /^With one scramble .* and [38] points are too few for more\. Use 1 024 points\.$/;
    expect(await advice({ points: 3 })).toMatch(few);
    expect(await advice({ points: 8, replicates: 1 })).toMatch(few);
  });

  test('replicate intervals asked for on one replicate of independent points: none, and it is said', async () => {
    const result = await sobol({ points: 256, design: 'iid', interval: 'replicates' });
    expect(result.totalOrder.low.every(Number.isNaN)).toBe(true);
    expect(result.diagnostics.warnings.map(({ code }) => code)).toContain('one-replicate');
  });
});

describe('bootstrap', () => {
  test('counts are those of n draws from n rows, whatever the range they are drawn in', () => {
    const [k0, k1] = rngFromSeed(5).key;
    const n = 1000;
    const counts = new Uint8Array(8 * n);
    resampleCounts(counts, n, k0, k1, 0, 10 << 24, 0, 8);
    for (let r = 0; r < 8; r++)
      expect(counts.subarray(r * n, (r + 1) * n).reduce((s, c) => s + c, 0)).toBe(n);
    const parts = new Uint8Array(8 * n);
    resampleCounts(parts, n, k0, k1, 0, 10 << 24, 5, 8);
    resampleCounts(parts, n, k0, k1, 0, 10 << 24, 0, 5);
    expect(parts).toEqual(counts);
    const later = new Uint8Array(3 * n);
    resampleCounts(later, n, k0, k1, 5, 10 << 24, 0, 3);
    expect(later).toEqual(counts.slice(5 * n));
  });

  test('resampled sums are the fixed-tree sums of the rows taken as often as they were drawn', async () => {
    const n = 5000; // five blocks: an odd level in the tree
    const method = { inputs: f.inputs, points: n, design: 'iid' } as const;
    const { layout } = planDesign('test', method);
    const quantities = quantitiesOf(layout, 'saltelli');
    const y = Float64Array.from({ length: layout.rows * n }, (_, i) => Math.sin(i * i));
    const columns = { y, outputs: 1, rows: layout.rows, stride: n };
    const backend = jsBackend();
    const rng = rngFromSeed(8);
    const at = await estimate(backend, columns, { from: 0, n }, quantities, centreProgram(layout), undefined);
    const drawn = await bootstrap(backend, rng, columns, 0, at, quantities, 3);
    const counts = new Uint8Array(3 * n);
    resampleCounts(counts, n, rng.key[0], rng.key[1], 0, 10 << 24, 0, 3);
    for (let r = 0; r < 3; r++) {
      let variance = 0;
      for (let p = 0; p < n; p++) {
        const a = y[p]! - at.centre[0]!;
        const b = y[(layout.rows - 1) * n + p]! - at.centre[0]!;
        variance += (counts[r * n + p]! * (a * a + b * b)) / (2 * n);
      }
      expect(drawn[quantities.variance * 3 + r]).toBeCloseTo(variance, 12);
    }
  });

  // 199 400 draws; a place law that is off by 1 % anywhere is caught 99 % of the time.
  test('every row is as likely as any other; draws from 900 of 997 rows are noticed', () => {
    const [k0, k1] = rngFromSeed(6).key;
    const n = 997;
    const draws = (size: number): Float64Array => {
      const counts = new Uint8Array(200 * n);
      resampleCounts(counts, n, k0, k1, 0, 10 << 24, 0, 200);
      const places: number[] = [];
      for (let r = 0; r < 200; r++) {
        for (let row = 0; row < n; row++)
          for (let c = 0; c < counts[r * n + row]!; c++) places.push(row % size);
      }
      // Places as uniforms: row + 1/2 of n, one resample after the other.
      return Float64Array.from(places, (row) => (row + 0.5) / n);
    };
    const cdf = (x: number): number => Math.min(1, Math.max(0, x));
    expectLaw(draws(n), cdf);
    expectRejected(() => expectLaw(draws(900), cdf));
  });

  test('all four kinds agree with the asymptotic interval on independent points', async () => {
    const options = { design: 'iid', points: 4096, secondOrder: true } as const;
    const asymptotic = await sobol({ ...options, interval: 'asymptotic' });
    for (const bootstrap of ['normal', 'percentile', 'basic', 'bca'] as const) {
      const found = await sobol({ ...options, interval: 'bootstrap', bootstrap, resamples: 400 });
      expect([...found.estimate.value]).toEqual([...asymptotic.estimate.value]);
      for (const span of ['firstOrder', 'totalOrder', 'secondOrder'] as const) {
        const [a, b] = [asymptotic[span]!, found[span]!];
        b.standardError.forEach((se, i) => {
          // The standard deviation of 400 resamples is known to 3.5 %; 5 sigma.
          expect(Math.abs(se / a.standardError[i]! - 1)).toBeLessThan(0.2);
          expect(Math.abs(b.low[i]! - a.low[i]!)).toBeLessThan(a.standardError[i]!);
          expect(Math.abs(b.high[i]! - a.high[i]!)).toBeLessThan(a.standardError[i]!);
        });
      }
    }
  });

  test('ends of the four kinds from known resamples', () => {
    const n = 999;
    // Resamples with a skewed law: exp of normal quantiles, the value at their median.
    const resampled = Float64Array.from({ length: n }, (_, i) => Math.exp(normalQuantile((i + 1) / (n + 1))));
    const ends = (kind: 'normal' | 'percentile' | 'basic' | 'bca', acceleration = 0): [number, number] => {
      const at = bootstrapIntervals(
        kind,
        Float64Array.of(1),
        resampled,
        n,
        0.9,
        Float64Array.of(acceleration),
      );
      return [at.low[0]!, at.high[0]!];
    };
    const [low, high] = [Math.exp(-normalQuantile(0.95)), Math.exp(normalQuantile(0.95))];
    expect(ends('percentile')[0]).toBeCloseTo(low, 2);
    expect(ends('percentile')[1]).toBeCloseTo(high, 1);
    expect(ends('basic')[0]).toBeCloseTo(2 - ends('percentile')[1], 12);
    expect(ends('basic')[1]).toBeCloseTo(2 - ends('percentile')[0], 12);
    expect(ends('normal')[0] + ends('normal')[1]).toBeCloseTo(2, 12);
    // Value at the median and no acceleration: BCa is the percentile interval. With acceleration it moves up.
    expect(ends('bca')[0]).toBeCloseTo(ends('percentile')[0], 2);
    expect(ends('bca', 0.05)[0]).toBeGreaterThan(ends('percentile')[0]);
    expect(ends('bca', 0.05)[1]).toBeGreaterThan(ends('percentile')[1]);
  });

  test('ends that are order statistics need two resamples in both tails together; the normal kind does not', () => {
    const made = (bootstrap: 'normal' | 'percentile' | 'basic' | 'bca', resamples: number, level = 0.95) => {
      const { model, inputs } = f;
      return () =>
        sobolIndices({ model, inputs, design: 'iid', interval: 'bootstrap', bootstrap, resamples, level });
    };
    for (const kind of ['percentile', 'basic', 'bca'] as const) {
      expect(made(kind, 39)).toThrow(/`resamples` is 39/);
      expect(made(kind, 40)).not.toThrow();
      expect(made(kind, 100, 0.99)).toThrow(/`resamples` is 100/);
    }
    expect(made('normal', 10)).not.toThrow();
  });

  test('nothing depends on how resamples are cut into waves', async () => {
    const options = { design: 'iid', points: 512, interval: 'bootstrap', bootstrap: 'normal' } as const;
    const many = await sobol({ ...options, resamples: 40 });
    const few = await sobol({ ...options, resamples: 39 });
    expect(Math.abs(many.totalOrder.standardError[0]! / few.totalOrder.standardError[0]! - 1)).toBeLessThan(
      0.2,
    );
    expect([...few.estimate.value]).toEqual([...many.estimate.value]);
  });
});

test('indices and intervals have the same bits in plain JavaScript and on 1, 2, 3 and 8 threads', async () => {
  const kinds = [
    { interval: 'replicates' },
    { interval: 'asymptotic', design: 'iid' },
    { interval: 'bootstrap', bootstrap: 'bca', resamples: 50, design: 'lhs' },
  ] as const;
  const method = (kind: Partial<SobolOptions>) =>
    sobolIndices({
      model: f.model,
      inputs: f.inputs,
      points: 4096,
      secondOrder: true,
      superset: true,
      ...kind,
    });
  const plain = [];
  for (const kind of kinds) plain.push(numbers(await run(method(kind), { seed: 9, backend: jsBackend() })));
  for (const threads of [1, 2, 3, 8]) {
    const backend = await hostBackend({ threads });
    for (const [k, kind] of kinds.entries()) {
      expect(numbers(await run(method(kind), { seed: 9, backend }))).toEqual(plain[k]);
    }
    await backend.dispose();
  }
});

describe('vector outputs', () => {
  test('asymptotic and bootstrap intervals of the aggregate agree', async () => {
    const model = (x: Float64Array, out: Float64Array): void => {
      for (let i = 0; i < out.length / 2; i++) {
        const [a, b, c] = x.subarray(3 * i, 3 * i + 3) as unknown as [number, number, number];
        out[2 * i] = Math.sin(a) + 7 * Math.sin(b) ** 2 + 0.1 * c ** 4 * Math.sin(a);
        out[2 * i + 1] = a + 2 * b;
      }
    };
    const options = { model, outputs: ['p', 'q'], design: 'iid', points: 4096 } as const;
    const asymptotic = await sobol({ ...options });
    const drawn = await sobol({ ...options, interval: 'bootstrap', resamples: 400 });
    drawn.totalOrder.standardError.forEach((se, i) => {
      expect(Math.abs(se / asymptotic.totalOrder.standardError[i]! - 1)).toBeLessThan(0.2);
    });
    expect(asymptotic.aggregated!.mean).toBeNaN();
  });
});

describe('warnings', () => {
  const codes = (result: SobolResult): string[] => result.diagnostics.warnings.map(({ code }) => code);
  const messageOf = (result: SobolResult, code: string): string => {
    const { message } = result.diagnostics.warnings.find((warning) => warning.code === code)!;
    expect(message.length).toBeLessThanOrEqual(240);
    return message;
  };

  /** Indices from outputs that were changed on the way, base point by base point. */
  const told = async (
    inputs: Inputs,
    model: BatchFn,
    change: (row: Float64Array) => void,
  ): Promise<SobolResult> => {
    const at = { seed: 1, backend: jsBackend() };
    const design = await sobolDesign({ inputs, points: 4096 }, at);
    const y = new Float64Array(design.rows);
    await model(design.x, y);
    const width = design.rows / 4096;
    for (let p = 0; p < 4096; p++) change(y.subarray(p * width, (p + 1) * width));
    return sobolAnalyze({ inputs, points: 4096 }, y, at);
  };

  test('points-not-power-of-two carries both neighbours', async () => {
    const message = messageOf(await sobol({ points: 10_000 }), 'points-not-power-of-two');
    expect(message).toBe(
      "10 000 points leave the Sobol' net incomplete and cost accuracy. Use 8 192 or 16 384.",
    );
    expect(codes(await sobol({ points: 8192 }))).not.toContain('points-not-power-of-two');
    expect(codes(await sobol({ points: 5 * 512, replicates: 5 }))).not.toContain('points-not-power-of-two');
    expect(messageOf(await sobol({ points: 4096, replicates: 5 }), 'points-not-power-of-two')).toMatch(
      /Use 2 560 or 5 120/,
    );
  });

  test('points that do not divide among replicates are told', async () => {
    const result = await sobol({ points: 1001, replicates: 2, design: 'iid' });
    expect(messageOf(result, 'points-not-divisible')).toMatch(
      /1 001 points do not divide among 2 replicates; 1 000 are used/,
    );
    expect(result.design.points).toBe(1000);
  });

  test('intervals that assume independent points warn on Sobol points', async () => {
    const result = await sobol({ points: 1024, interval: 'asymptotic' });
    expect(messageOf(result, 'interval-not-valid')).toMatch(
      /several times too wide and sometimes too narrow/,
    );
    expect(result.totalOrder.low.every(Number.isFinite)).toBe(true);
  });

  test('a constant output has no indices, and says so', async () => {
    const result = await sobol({ points: 256, model: (_, out) => void out.fill(3.2) });
    expect(result.outputs[0]!.constant).toBe(true);
    expect(result.estimate.value.every(Number.isNaN)).toBe(true);
    expect(messageOf(result, 'constant-output')).toMatch(/^The output never changed \(always 3.2\)/);
    expect(codes(result)).toEqual(['constant-output']);
  });

  for (const base of [0, 0.1]) {
    test(`replicates that see no change of an output at ${base} leave no index, and say so`, async () => {
      // 0.3 % of points; rounding of the mean must not pass for variance.
      const model = batchOf((x) => (x[0]! > 0.97 && x[1]! > 0.9 ? 1 : 0) + base, 3);
      for (const estimator of ['saltelli', 'jansen', 'janon', 'azzini'] as const) {
        const result = await sobol({ points: 1024, model, inputs: inputsOf(3, uniform(0, 1)), estimator });
        expect(result.outputs[0]!.constant).toBe(false);
        expect(result.estimate.value.every(Number.isNaN)).toBe(true);
        expect(messageOf(result, 'no-variance')).toMatch(/^The output changes so rarely that/);
      }
    });
  }

  test('one constant output of several leaves the others and the aggregate alone', async () => {
    const model = (x: Float64Array, out: Float64Array): void => {
      for (let i = 0; i < out.length / 2; i++) {
        out[2 * i] = 5;
        out[2 * i + 1] = x[3 * i]!;
      }
    };
    const result = await sobol({ points: 256, model, outputs: ['still', 'moves'] });
    expect(result.outputs.map(({ constant }) => constant)).toEqual([true, false]);
    expect(result.firstOrder.value[0]).toBeCloseTo(1, 1);
    expect(messageOf(result, 'constant-output')).toMatch(/^Output still never changed/);
  });

  test('a negative index whose interval holds 0 is explained, never clipped', async () => {
    const result = await sobol({ points: 1024, design: 'iid', estimator: 'jansen' }, 3);
    const least = Math.min(...result.estimate.value);
    expect(least).toBeLessThan(0);
    expect(messageOf(result, 'negative-index')).toMatch(
      /indices cannot be negative. Its interval holds 0: read it as 0./,
    );
  });

  test('outputs of A and AB^1 exchanged: indices far below 0 are an alarm', async () => {
    const g = gFunction('sobol_g_6');
    const result = await told(g.inputs, g.model, (row) => {
      const [first] = row;
      row[0] = row[1]!;
      row[1] = first!;
    });
    expect(messageOf(result, 'negative-index-significant')).toMatch(
      /^S1 of x\d is -0\.\d\d \(and \d others\), and its interval \[-0\.\d\d, -0\.\d\d\] excludes 0\. Chance does not do this/,
    );
    expect(codes(result)).not.toContain('negative-index');
  });

  test('outputs of B in another unit: total indices far below first-order ones are an alarm', async () => {
    const inputs = inputsOf(3, uniform(-1, 1));
    const model = batchOf((x) => 3 * x[0]! + 2 * x[1]! + x[2]!, 3);
    const result = await told(inputs, model, (row) => {
      row[4]! *= 3;
    });
    expect(messageOf(result, 'total-below-first')).toMatch(
      /^ST of x1 \(0\.\d\d\) lies below its S1 \(0\.\d\d\).*by more than their intervals allow/,
    );
  });

  test('one point that carries the variance is told', async () => {
    const model = (x: Float64Array, out: Float64Array): void => {
      for (let i = 0; i < out.length; i++)
        out[i] = Math.exp((12 * (x[3 * i]! + x[3 * i + 1]! + x[3 * i + 2]!)) / Math.PI);
    };
    const result = await sobol({ points: 1024, model });
    expect(result.outputs[0]!.largestShare).toBeGreaterThan(0.1);
    expect(messageOf(result, 'heavy-output')).toMatch(
      /^1 point of 1 024 carries \d+ % of the variance \(warned above 10 %\)/,
    );
  });

  test('an interval too wide for a ranking says how many points would help', async () => {
    const result = await sobol({ points: 128, design: 'iid' });
    expect(messageOf(result, 'interval-wide')).toMatch(
      /^The widest interval is 0\.\d\d \+\/- 0\.\d\d, wider than a ranking needs \(0\.05\)/,
    );
  });

  test('a good run has nothing to say', async () => {
    expect(codes(await sobol({ points: 16_384, secondOrder: true, estimator: 'azzini' }, 2))).toEqual([]);
  });
});
