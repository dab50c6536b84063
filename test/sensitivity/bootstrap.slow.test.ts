import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { resampleCounts } from '../../engine/wasm/twins/bootstrap.ts';
import { normalQuantile } from '../../engine/wasm/twins/normal.ts';
import { bootstrap } from '../../estimators/sensitivity/bootstrap.ts';
import { estimate } from '../../estimators/sensitivity/estimates.ts';
import { bootstrapIntervals } from '../../estimators/sensitivity/intervals.ts';
import { planDesign } from '../../estimators/sensitivity/plan.ts';
import { centreProgram, quantitiesOf } from '../../estimators/sensitivity/quantities.ts';
import { sobolIndices } from '../../estimators/sensitivity/sobol-indices.ts';
import { expectLaw, expectRejected } from '../support/law.ts';

import { f, sobol } from './ishigami.ts';

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
