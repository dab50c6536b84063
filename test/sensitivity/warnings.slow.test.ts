import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import type { Inputs } from '../../engine/distribution/inputs.ts';
import { uniform } from '../../engine/distribution/uniform.ts';
import type { BatchFn } from '../../engine/types.ts';
import { sobolAnalyze, sobolDesign } from '../../estimators/sensitivity/ask-tell.ts';
import type { SobolResult } from '../../estimators/sensitivity/types.ts';
import { batchOf, gFunction, inputsOf } from '../support/functions.ts';

import { sobol } from './ishigami.ts';

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
