import { afterAll, expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { gaussianCopula } from '../../../engine/distribution/gaussian-copula.ts';
import type { Dependence } from '../../../engine/distribution/inputs.ts';
import { normal } from '../../../engine/distribution/normal.ts';
import { mala } from '../../../engine/kernel/mala.ts';
import { normalCdf } from '../../../engine/math/erfc.ts';
import { pointwise } from '../../../engine/model/model.ts';
import { run } from '../../../engine/run.ts';
import { splitting } from '../../../estimators/smc/rare/splitting.ts';
import type { RareEventOptions } from '../../../estimators/smc/rare/types.ts';

const backend = await hostBackend({ threads: 1 });
afterAll(() => backend.dispose());
const here = { seed: 11, backend };

/** The sum of two standard normals, over sqrt 2, above a bound: p = Phi(-bound). */
function corner(bound: number): RareEventOptions {
  const model = pointwise((x) => (x[0]! + x[1]!) / Math.SQRT2);
  return { model, inputs: { a: normal(0, 1), b: normal(0, 1) }, event: { above: bound } };
}

test('splitting(): dependent inputs keep the digits of their upper tails', async () => {
  // Phi(-9) = 1.1e-19: one input alone lies where a uniform is 1. Log p is 43.6 with a spread of 0.3 over 8 runs.
  const p = normalCdf(-9);
  const dependence = gaussianCopula([
    [1, 0.5],
    [0.5, 1],
  ]);
  const model = pointwise((x) => x[0]!);
  const { logProbability, outcome } = await run(
    splitting({ ...corner(9), model, dependence, particles: 300, least: 1e-25 }),
    here,
  );
  expect(outcome.kind).toBe('converged');
  expect(Math.abs(logProbability.value - Math.log(p))).toBeLessThan(1.5);
});

test('splitting(): a dependence that only knows uniforms meets none that is 0 or 1', async () => {
  const seen = { least: 1, most: 0 };
  const dependence: Dependence = {
    dimension: 2,
    linked: () => true,
    transport(u, v) {
      for (let i = 0; i < u.length; i++) {
        seen.least = Math.min(seen.least, u[i]!);
        seen.most = Math.max(seen.most, u[i]!);
        v[i] = u[i]!;
      }
    },
  };
  await run(splitting({ ...corner(10), dependence, particles: 100, runs: 2, least: 1e-22 }), here);
  expect(seen.most).toBeLessThan(1);
  expect(seen.least).toBeGreaterThan(0);
});

test('splitting(): a kernel along gradients, or no kernel at all, is refused before any work', () => {
  expect(() => splitting({ ...corner(3), kernel: mala() })).toThrow(
    'splitting: MALA moves along gradients; expected a kernel that needs none. Try kernel: pcn().',
  );
  expect(() => splitting({ ...corner(3), kernel: 'pcn' as never })).toThrow('option `kernel` is "pcn"');
});
