import { expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { gaussianCopula } from '../../../engine/distribution/gaussian-copula.ts';
import { logNormal } from '../../../engine/distribution/log-normal.ts';
import { normal } from '../../../engine/distribution/normal.ts';
import { toInputs } from '../../../engine/distribution/normal-space.ts';
import { pointwise } from '../../../engine/model/model.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { lawsAt, scaledLaws } from '../../../estimators/importance/expectations/laws-at.ts';
import { checkPlan } from '../../../estimators/importance/expectations/plan.ts';

const copula = (ab: number, bc: number): ReturnType<typeof gaussianCopula> =>
  gaussianCopula([
    [1, ab, 0, 0],
    [ab, 1, bc, 0],
    [0, bc, 1, 0],
    [0, 0, 0, 1],
  ]);

test('lawsAt(): one kernel gives what the densities of laws one by one give, in both spaces, dead rows included', async () => {
  for (const space of ['normals', 'inputs'] as const)
    for (const withBase of [true, false]) {
      const plan = checkPlan('expectations', {
        model: pointwise(([a]) => a!),
        inputs: { a: normal(1, 2), b: logNormal(0.2, 0.5), c: normal(-1, 0.3), d: logNormal(0, 1) },
        dependence: copula(0.4, -0.2),
        laws: {
          other: { inputs: { a: normal(2, 1.5), d: logNormal(0.3, 0.8) } },
          tied: { inputs: { b: logNormal(0.1, 0.4) }, dependence: copula(-0.3, 0.5) },
          far: { inputs: { c: normal(-2, 0.4) } },
        },
        expectations: {
          ...(withBase ? { base: {} } : {}),
          other: { under: 'other' },
          tied: { under: 'tied' },
          far: { under: 'far' },
        },
        space,
      });
      const { family } = plan.laws;
      const normals = space === 'normals';
      const n = 300;
      const stream = rngFromSeed(568).stream({ purpose: 32 });
      const z = Float64Array.from({ length: 4 * n }, () => 1.5 * stream.normal());
      const inputs = new Float64Array(4 * n);
      toInputs(plan.space, z, n, inputs);
      if (!normals) inputs[4 * 7 + 1] = -0.5;
      const found = await lawsAt(jsBackend(), family, normals, withBase, { z, inputs, n, dimension: 4 });
      const logLaw = new Float64Array(4 * n);
      if (normals) family.logRatio(inputs, n, logLaw);
      else family.logDensity(inputs, n, logLaw);
      const offset = Float64Array.from({ length: n }, (_, i) => {
        const row = z.subarray(4 * i, 4 * i + 4);
        return normals ? -0.5 * row.reduce((s, x) => s + x * x, 0) - 2 * Math.log(2 * Math.PI) : 0;
      });
      expect(normals ? family.ratioForms : family.densityForms).toBeDefined();
      const wanted = scaledLaws(logLaw, 4, withBase, offset);
      for (let i = 0; i < n; i++) {
        if (wanted.top[i] === -Infinity) expect(found.top[i]).toBe(-Infinity);
        else expect(Math.abs(found.top[i]! - wanted.top[i]!)).toBeLessThan(1e-10);
        if (wanted.top[i] !== -Infinity)
          expect(Math.abs(found.logBase[i]! - wanted.logBase[i]!)).toBeLessThan(1e-10);
        for (let l = 0; l < 4; l++) {
          const [own, other] = [found.law[4 * i + l]!, wanted.law[4 * i + l]!];
          expect(Math.abs(own - other)).toBeLessThanOrEqual(1e-10 * Math.max(own, other));
        }
      }
      if (!normals) expect([...found.law.subarray(28, 32), found.top[7]]).toEqual([0, 0, 0, 0, -Infinity]);
    }
});
