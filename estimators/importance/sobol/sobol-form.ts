import { evaluateFormulas, type Formula, formulaGradients } from '../../../engine/math/sobol-formulas.ts';
import type { Expectation, Functional } from '../expectations/types.ts';

/*
 * Sobol' indices as functions of expectations in 2 d dimensions.
 *
 * | symbol | name here |
 * |---|---|
 * | y, y' | outputs 0 and 1: at x and at x' |
 * | y_g | output 2 + g: at x with the inputs of group g from x' |
 *
 * difference   T_g = E (y - y_g)^2 / 2,  J_g = E (y' - y_g)^2 / 2,  V = E (y - y')^2 / 2
 *              S^T_g = T_g / V,  S_g = 1 - J_g / V
 * product      F_g = E y' y_g,  G_g = E y y_g,  m = E y,  q = E y^2
 *              S_g = (F_g - m^2) / (q - m^2),  S^T_g = 1 - (G_g - m^2) / (q - m^2)
 */
export interface SobolForm {
  readonly expectations: Readonly<Record<string, Expectation>>;
  /** First-order indices, then total ones, then the variance. */
  readonly functionals: Readonly<Record<string, Functional>>;
}

/** The expectations of a form and the indices made of them. */
export function sobolForm(form: 'difference' | 'product', groups: readonly string[]): SobolForm {
  const made = form === 'difference' ? differences(groups) : products(groups);
  const names = [
    ...groups.map((group) => `S1 ${group}`),
    ...groups.map((group) => `ST ${group}`),
    'variance',
  ];
  return {
    expectations: Object.fromEntries(made.expectations),
    functionals: Object.fromEntries(names.map((name, i) => [name, functional(made.formulas[i]!)])),
  };
}

type Made = {
  readonly expectations: readonly (readonly [string, Expectation])[];
  readonly formulas: readonly Formula[];
};

function differences(groups: readonly string[]): Made {
  const G = groups.length;
  const half = (a: number, b: number): Expectation => ({ of: (y) => (y[a]! - y[b]!) ** 2 / 2 });
  const term = (at: number): { readonly linear: readonly [{ term: number; weight: number }] } => ({
    linear: [{ term: at, weight: 1 }],
  });
  const ratio = (above: number, offset: number, scale: number): Formula => ({
    kind: 'ratio',
    offset,
    scale,
    above: term(above),
    below: term(2 * G),
  });
  return {
    expectations: [
      ...groups.map((group, g) => [`difference without ${group}`, half(1, 2 + g)] as const),
      ...groups.map((group, g) => [`difference in ${group}`, half(0, 2 + g)] as const),
      ['difference in all', half(0, 1)],
    ],
    formulas: [
      ...groups.map((_, g) => ratio(g, 1, -1)),
      ...groups.map((_, g) => ratio(G + g, 0, 1)),
      { kind: 'mean', of: term(2 * G) },
    ],
  };
}

function products(groups: readonly string[]): Made {
  const G = groups.length;
  const product = (a: number, b: number): Expectation => ({ of: (y) => y[a]! * y[b]! });
  const centred = (at: number): Extract<Formula, { kind: 'mean' }>['of'] => ({
    linear: [{ term: at, weight: 1 }],
    square: { term: 2 * G, weight: -1 },
  });
  const ratio = (above: number, offset: number, scale: number): Formula => ({
    kind: 'ratio',
    offset,
    scale,
    above: centred(above),
    below: centred(2 * G + 1),
  });
  return {
    expectations: [
      ...groups.map((group, g) => [`product through ${group}`, product(1, 2 + g)] as const),
      ...groups.map((group, g) => [`product without ${group}`, product(0, 2 + g)] as const),
      ['mean', { of: (y) => y[0]! }],
      ['mean square', product(0, 0)],
    ],
    formulas: [
      ...groups.map((_, g) => ratio(g, 0, 1)),
      ...groups.map((_, g) => ratio(G + g, 1, -1)),
      { kind: 'mean', of: centred(2 * G + 1) },
    ],
  };
}

function functional(formula: Formula): Functional {
  const value = new Float64Array(1);
  return {
    value: (expectations) => {
      evaluateFormulas([formula], expectations, 0, value);
      return value[0]!;
    },
    gradient: (expectations, out) => {
      const [{ terms, weights }] = formulaGradients([formula], expectations, 0) as [
        { readonly terms: readonly number[]; readonly weights: readonly number[] },
      ];
      out.fill(0);
      terms.forEach((term, k) => {
        out[term] = weights[k]!;
      });
    },
  };
}
