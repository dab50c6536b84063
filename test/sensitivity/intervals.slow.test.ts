import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../engine/backend/host.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { run } from '../../engine/run.ts';
import { studentIntervals } from '../../estimators/sensitivity/intervals.ts';
import { sobolIndices } from '../../estimators/sensitivity/sobol-indices.ts';
import type { SobolOptions } from '../../estimators/sensitivity/types.ts';
import { numbers } from '../contract/sampler.ts';

import { f, sobol } from './ishigami.ts';

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
