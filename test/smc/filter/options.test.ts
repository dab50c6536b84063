import { afterAll, expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { OptionError, ShapeError } from '../../../engine/errors.ts';
import { run } from '../../../engine/run.ts';
import type { FilterOptions } from '../../../estimators/smc/filter/filter-types.ts';
import { particleFilter } from '../../../estimators/smc/filter/particle-filter.ts';
import type { StateSpaceModel } from '../../../estimators/smc/state-space.ts';

const backend = await hostBackend({ threads: 1 });
afterAll(() => backend.dispose());

/** A random walk that is seen only while it is positive. */
const model: StateSpaceModel = {
  dimension: 1,
  initial: (z, x) => x.set(z),
  transition: (_, parent, z, x) => {
    for (let i = 0; i < x.length; i++) x[i] = parent[i]! + z[i]!;
  },
  logObservation: (_, y, x, out) => {
    for (let i = 0; i < x.length; i++) out[i] = x[i]! > 0 ? -0.5 * (y[0]! - x[i]!) ** 2 : -Infinity;
  },
  logInitial: (_, out) => out.fill(0),
  logTransition: (_step, _parent, _x, out) => out.fill(0),
};
const good: FilterOptions = { model, observations: [1, 1, 2], particles: 64 };

const BAD: Readonly<Record<string, object>> = {
  'selected steps that are no array': { history: { kind: 'selected', steps: 3 } },
  'no selected steps': { history: { kind: 'selected' } },
  'expectations that are no record': { expectations: 3 },
  'expectations that are null': { expectations: null },
  'a lookahead that is no function': { lookahead: 'next' },
  'a proposal without functions': { proposal: {} },
  'a proposal that is a number': { proposal: 3 },
};
for (const [name, options] of Object.entries(BAD)) {
  test(`particleFilter(): ${name} throws an OptionError before any work`, () => {
    expect(() => particleFilter({ ...good, ...options } as never)).toThrow(OptionError);
  });
}

test('particleFilter(): so many runs that not even one particle each fits are refused at once', () => {
  expect(() => particleFilter({ ...good, runs: 1e9 })).toThrow('Use fewer runs.');
});

test('particleFilter(): text that reads as a number is no observation', () => {
  for (const y of ['5', ['5']])
    expect(() => particleFilter({ ...good, observations: [y as never] })).toThrow(ShapeError);
});

test('particleFilter(): a lookahead may be anything for particles that are dead', async () => {
  // log x is NaN or -Infinity where the particle is dead already.
  const lookahead: FilterOptions['lookahead'] = (_step, _next, x, out) => {
    for (let i = 0; i < x.length; i++) out[i] = Math.log(x[i]!);
  };
  const { logNormalizer } = await run(particleFilter({ ...good, lookahead }), { seed: 5, backend });
  expect(logNormalizer.value).toBeLessThan(0);
  expect(logNormalizer.value).toBeGreaterThan(-20);
});
