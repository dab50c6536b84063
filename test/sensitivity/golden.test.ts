import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { uniform } from '../../engine/distribution/uniform.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { sobolPoints } from '../../engine/random/sobol.ts';
import { type Estimates, estimate } from '../../estimators/sensitivity/estimates.ts';
import { influence } from '../../estimators/sensitivity/influence.ts';
import { planDesign } from '../../estimators/sensitivity/plan.ts';
import {
  centreProgram,
  type Quantities,
  quantitiesOf,
  type Span,
} from '../../estimators/sensitivity/quantities.ts';
import type { Columns } from '../../estimators/sensitivity/store.ts';
import type { EstimatorName } from '../../estimators/sensitivity/types.ts';
import reference from '../reference/sobol-functions.json' with { type: 'json' };
import { inputsOf, ishigamiAt } from '../support/functions.ts';

const { golden } = reference;
const N = golden.N;

/** Outputs of Ishigami on the fixed design, columns in the order of the layout, plus a constant. */
async function goldenColumns(
  estimator: EstimatorName,
  offset = 0,
): Promise<{ columns: Columns; quantities: Quantities; words: Uint32Array }> {
  const inputs = inputsOf(3, uniform(-Math.PI, Math.PI));
  const { layout } = planDesign('test', { inputs, estimator, secondOrder: true });
  const u = new Float64Array(N * 6);
  const set = await sobolPoints({ dimension: 6, rng: rngFromSeed(0), scramble: 'none' });
  await set.fill(u, 0, N);
  const x = u.map((p) => -Math.PI + 2 * Math.PI * p);
  const y = new Float64Array(layout.rows * N);
  const base = { A: 0, B: 3, C: 0 } as const;
  for (let n = 0; n < N; n++) {
    const row = (from: 'A' | 'B' | 'C'): Float64Array => x.slice(n * 6 + base[from], n * 6 + base[from] + 3);
    y[n] = ishigamiAt(row('A')) + offset;
    y[(layout.rows - 1) * N + n] = ishigamiAt(row('B')) + offset;
    layout.blocks.forEach((block, k) => {
      const point = row(block.base);
      for (const c of block.columns) point[c] = row(block.from)[c]!;
      y[(k + 1) * N + n] = ishigamiAt(point) + offset;
    });
  }
  return {
    columns: { y, outputs: 1, rows: layout.rows, stride: N },
    quantities: quantitiesOf(layout, estimator),
    words: centreProgram(layout),
  };
}

async function goldenEstimates(
  estimator: EstimatorName,
  offset = 0,
): Promise<{ at: Estimates; quantities: Quantities; columns: Columns }> {
  const { columns, quantities, words } = await goldenColumns(estimator, offset);
  const at = await estimate(jsBackend(), columns, { from: 0, n: N }, quantities, words, undefined);
  return { at, quantities, columns };
}

const take = (values: Float64Array, span: Span): number[] => [
  ...values.subarray(span.from, span.from + span.count),
];

function expectNear(found: readonly number[], expected: readonly number[], digits = 10): void {
  expect(found.length).toBe(expected.length);
  found.forEach((value, i) => {
    expect(Math.abs(value - expected[i]!)).toBeLessThan(10 ** -digits);
  });
}

const NAMES: Readonly<Record<string, EstimatorName>> = {
  jansen: 'jansen',
  sobol2007_total: 'mauntz',
  homma_saltelli: 'homma-saltelli',
  saltelli2002: 'saltelli2002',
  janon_monod: 'janon',
  martinez: 'martinez',
  azzini: 'azzini',
  martinez_sym: 'martinez-sym',
  jansen_sym: 'jansen-sym',
  saltelli2010_centred: 'saltelli',
};

for (const [key, name] of Object.entries(NAMES)) {
  test(`${name} reproduces the golden first-order and total indices to 1e-10`, async () => {
    const { at, quantities } = await goldenEstimates(name);
    const known = golden.estimators[key as 'jansen'];
    expectNear(take(at.values, quantities.first), known.S1);
    expectNear(take(at.values, quantities.total), known.ST);
  });
}

test("Saltelli 2010 with raw outputs, the first-order index of 'saltelli2002', is golden to 1e-10", async () => {
  const { at, quantities } = await goldenEstimates('saltelli2002');
  expectNear(take(at.values, quantities.first), golden.estimators.saltelli2010_raw.S1);
});

test("the one-sided second-order index of 'saltelli2002' is golden to 1e-10", async () => {
  const { at, quantities } = await goldenEstimates('saltelli2002');
  const known = golden.estimators.second_order_saltelli2002_centred;
  expectNear(take(at.values, quantities.pairs), [known['1,2'], known['1,3'], known['2,3']]);
});

test('standard errors by influence functions are golden to 1e-10', async () => {
  const known = golden.standard_errors;
  const cases = [
    ['saltelli', 'first', known.saltelli2010_centred_S1],
    ['jansen', 'total', known.jansen_ST],
    ['janon', 'first', known.janon_monod_S1],
    ['martinez', 'first', known.martinez_S1],
    ['azzini', 'first', known.azzini_S1],
    ['azzini', 'total', known.azzini_ST],
  ] as const;
  for (const [name, span, expected] of cases) {
    const { at, quantities, columns } = await goldenEstimates(name);
    const { standardError } = influence(columns, 0, at, quantities);
    expectNear(take(standardError, quantities[span]), expected);
  }
});

test('an offset of 1e6 costs no more digits than it takes from the outputs; only raw saltelli2002 moves', async () => {
  for (const name of Object.values(NAMES)) {
    const plain = await goldenEstimates(name);
    const moved = await goldenEstimates(name, 1e6);
    const shift = Math.max(
      ...take(plain.at.values, plain.quantities.first).map((s, i) =>
        Math.abs(s - take(moved.at.values, moved.quantities.first)[i]!),
      ),
    );
    if (name === 'saltelli2002') expect(shift).toBeGreaterThan(1);
    else expect(shift).toBeLessThan(1e-9);
  }
});

test('a twin with A and B exchanged in the first-order index is not golden', async () => {
  const { columns, quantities, words } = await goldenColumns('saltelli');
  const last = (columns.rows - 1) * N;
  const a = columns.y.slice(0, N);
  columns.y.copyWithin(0, last, last + N);
  columns.y.set(a, last);
  const at = await estimate(jsBackend(), columns, { from: 0, n: N }, quantities, words, undefined);
  const difference = take(at.values, quantities.first).map((s, i) =>
    Math.abs(s - golden.estimators.saltelli2010_centred.S1[i]!),
  );
  expect(Math.max(...difference)).toBeGreaterThan(0.1);
});

test('Azzini is itself when A and B are exchanged', async () => {
  const { columns, quantities, words } = await goldenColumns('azzini');
  const swapped = columns.y.slice();
  const column = (c: number): Float64Array => columns.y.subarray(c * N, (c + 1) * N);
  const order = [7, 4, 5, 6, 1, 2, 3, 0];
  order.forEach((from, to) => {
    swapped.set(column(from), to * N);
  });
  const plain = await estimate(jsBackend(), columns, { from: 0, n: N }, quantities, words, undefined);
  const other = await estimate(
    jsBackend(),
    { ...columns, y: swapped },
    { from: 0, n: N },
    quantities,
    words,
    undefined,
  );
  expectNear([...other.values], [...plain.values], 12);
});
