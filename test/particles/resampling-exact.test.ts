import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { integerWeights } from '../../engine/particles/integer-weights.ts';
import {
  mergeAncestors,
  stratifiedAncestors,
  systematicAncestors,
  wholeCopies,
} from '../../engine/wasm/twins/resampling.ts';
import reference from '../reference/weights-and-resampling.json' with { type: 'json' };

const { weights_over_64: q, cases } = reference.resampling;
const { cumulative, total, n } = integerWeights(q, jsBackend().arena());

test.each(cases.filter((c) => c.scheme === 'systematic'))(
  'systematic: m = $M, u = $u',
  ({ M: m, u, ancestors }) => {
    const out = new Uint32Array(m);
    systematicAncestors(cumulative, total, m, u as number, out, 0, n);
    expect(Array.from(out)).toEqual(ancestors);
  },
);

test.each(cases.filter((c) => c.scheme === 'stratified'))('stratified: m = $M', ({ M: m, u, ancestors }) => {
  const out = new Uint32Array(m);
  stratifiedAncestors(cumulative, total, m, Float64Array.from(u as number[]), out, 0, n);
  expect(Array.from(out)).toEqual(ancestors);
});

test.each(cases.filter((c) => c.scheme.startsWith('multinomial')))(
  'multinomial from sorted uniforms: m = $M',
  ({ M: m, sorted_u, ancestors }) => {
    const out = new Uint32Array(m);
    mergeAncestors(cumulative, total, n, Float64Array.from(sorted_u!), 1, out, 0, m);
    expect(Array.from(out)).toEqual(ancestors);
  },
);

test.each(cases.filter((c) => c.scheme.startsWith('residual')))(
  'residual: whole copies and what remains, m = $M',
  ({ M: m, copies, residual_weights }) => {
    const whole = new Uint32Array(n);
    const rest = new Float64Array(n);
    wholeCopies(Float64Array.from(q), total, m, whole, rest, 0, n);
    expect(Array.from(whole)).toEqual(copies);
    const left = m - whole.reduce((a, b) => a + b, 0);
    // The reference gives the remainder normalised: (m W - copies) / R times the share R / m.
    const scale = rest.reduce((a, b) => a + b, 0);
    expect(scale).toBeCloseTo(left, 12);
    const wanted = residual_weights!.reduce((a, b) => a + b, 0);
    rest.forEach((r, i) => {
      expect(r / scale).toBeCloseTo(residual_weights![i]! / wanted, 12);
    });
  },
);

test('systematic: at the ends of the grid of u every slot is filled by a live particle, within one of m W', () => {
  const weights = [0, 3, 0, 5, 1, 0, 7, 0, 0];
  const w = integerWeights(weights, jsBackend().arena());
  for (const u of [2 ** -53, 1 - 2 ** -53]) {
    for (const m of [1, 2, 9, 16, 64, 1000]) {
      const out = new Uint32Array(m).fill(4294967295);
      systematicAncestors(w.cumulative, w.total, m, u, out, 0, 9);
      const counts = new Float64Array(9);
      for (const i of out) counts[i]!++;
      weights.forEach((x, i) => {
        expect(Math.abs(counts[i]! - (m * x) / 16)).toBeLessThanOrEqual(x === 0 ? 0 : 1 + 1e-9);
      });
    }
  }
});

test('stratified: ends never fall where r + u rounds up past its stratum', () => {
  // C just below 1/4 and u_0 just below 1: r + u_0 rounds to 2 although r < 1.
  const quarter = 2 ** 50;
  const w = integerWeights([quarter - 1, 1, quarter, quarter, quarter], jsBackend().arena());
  const out = new Uint32Array(4).fill(4294967295);
  const u = Float64Array.of(1 - 2 ** -53, 2 ** -53, 0.5, 0.5);
  stratifiedAncestors(w.cumulative, w.total, 4, u, out, 0, 5);
  expect(Array.from(out)).toEqual([0, 2, 3, 4]);
});

test('multinomial: a point that rounds to 1 falls on the last live particle', () => {
  const w = integerWeights([2, 3, 0, 0], jsBackend().arena());
  const out = new Uint32Array(2);
  mergeAncestors(w.cumulative, w.total, 4, Float64Array.of(0.4, 1), 1, out, 0, 2);
  expect(Array.from(out)).toEqual([0, 1]);
});
