/**
 * Indices as smooth functions of the means t of row terms.
 *
 * Point estimates, standard errors by influence functions, bootstrap and replicates all go through these few forms,
 * so a new estimator is one line in a table. m is the centre that was subtracted from the outputs.
 *
 * | form | value |
 * |---|---|
 * | ratio | offset + scale P(t) / Q(t), P and Q of the form sum (w + m s) t_k + c t_q^2 |
 * | mean | P(t) |
 * | correlation | offset + scale r, r the sum of correlations of pairs of columns |
 * | sum | offset + sum of coefficients times earlier quantities |
 */
export type Formula =
  | {
      readonly kind: 'ratio';
      readonly offset: number;
      readonly scale: number;
      readonly above: Form;
      readonly below: Form;
    }
  | { readonly kind: 'mean'; readonly of: Form }
  | {
      readonly kind: 'correlation';
      readonly offset: number;
      readonly scale: number;
      readonly pairs: readonly Moments[];
    }
  | { readonly kind: 'sum'; readonly offset: number; readonly parts: readonly Part[] };

/** The terms x, y, x^2, y^2 and x y of two columns. */
export type Moments = readonly [x: number, y: number, xx: number, yy: number, xy: number];

/** Coefficient of an earlier quantity. */
export interface Part {
  readonly quantity: number;
  readonly weight: number;
}

/** sum (weight + m shift) t_term, and `square` t_q^2 where there is one. */
export interface Form {
  readonly linear: readonly Linear[];
  readonly square?: { readonly term: number; readonly weight: number };
}

export interface Linear {
  readonly term: number;
  readonly weight: number;
  readonly shift?: number;
}

/** d(quantity)/d(mean of term), for the terms it depends on. */
export interface Gradient {
  readonly terms: readonly number[];
  readonly weights: readonly number[];
}

/** Values of all formulas at the means `t` [terms], offset `at`, into `out` [formulas]. 0/0 is NaN. */
export function evaluateFormulas(
  formulas: readonly Formula[],
  t: Float64Array,
  centre: number,
  out: Float64Array,
  at = 0,
): void {
  for (let q = 0; q < formulas.length; q++) {
    const formula = formulas[q]!;
    switch (formula.kind) {
      case 'ratio':
        out[q] =
          formula.offset +
          (formula.scale * form(formula.above, t, centre, at)) / form(formula.below, t, centre, at);
        break;
      case 'mean':
        out[q] = form(formula.of, t, centre, at);
        break;
      case 'correlation':
        out[q] = formula.offset;
        for (const pair of formula.pairs) out[q]! += formula.scale * correlation(pair, t, at).r;
        break;
      case 'sum': {
        let sum = formula.offset;
        for (const part of formula.parts) sum += part.weight * out[part.quantity]!;
        out[q] = sum;
        break;
      }
      default:
        formula satisfies never;
    }
  }
}

function form(f: Form, t: Float64Array, centre: number, at: number): number {
  let sum = 0;
  for (const { term, weight, shift } of f.linear) {
    sum += (shift === undefined ? weight : weight + centre * shift) * t[at + term]!;
  }
  if (f.square !== undefined) sum += f.square.weight * t[at + f.square.term]! * t[at + f.square.term]!;
  return sum;
}

function correlation(
  moments: Moments,
  t: Float64Array,
  at: number,
): { r: number; vx: number; vy: number; root: number } {
  const [x, y, xx, yy, xy] = moments;
  const mx = t[at + x]!;
  const my = t[at + y]!;
  const vx = t[at + xx]! - mx * mx;
  const vy = t[at + yy]! - my * my;
  const root = Math.sqrt(vx * vy);
  return { r: (t[at + xy]! - mx * my) / root, vx, vy, root };
}

/**
 * Gradients of all formulas with respect to the means. The influence of row n on quantity q is
 * sum over terms of weight (t_k(n) - mean t_k); estimating the centre has no first-order effect.
 */
export function formulaGradients(
  formulas: readonly Formula[],
  t: Float64Array,
  centre: number,
): readonly Gradient[] {
  const gradients: Gradient[] = [];
  for (const formula of formulas) gradients.push(gradient(formula, t, centre, gradients));
  return gradients;
}

function gradient(formula: Formula, t: Float64Array, centre: number, earlier: readonly Gradient[]): Gradient {
  const weight = new Map<number, number>();
  const add = (term: number, w: number): void => {
    weight.set(term, (weight.get(term) ?? 0) + w);
  };
  switch (formula.kind) {
    case 'ratio': {
      const below = form(formula.below, t, centre, 0);
      const ratio = form(formula.above, t, centre, 0) / below;
      addForm(formula.above, formula.scale / below, t, centre, add);
      addForm(formula.below, (-formula.scale * ratio) / below, t, centre, add);
      break;
    }
    case 'mean':
      addForm(formula.of, 1, t, centre, add);
      break;
    case 'correlation':
      for (const pair of formula.pairs) addCorrelation(pair, formula.scale, t, add);
      break;
    case 'sum':
      for (const part of formula.parts) {
        const inner = earlier[part.quantity]!;
        inner.terms.forEach((term, k) => {
          add(term, part.weight * inner.weights[k]!);
        });
      }
      break;
    default:
      formula satisfies never;
  }
  return { terms: [...weight.keys()], weights: [...weight.values()] };
}

function addForm(
  f: Form,
  factor: number,
  t: Float64Array,
  centre: number,
  add: (term: number, weight: number) => void,
): void {
  for (const { term, weight, shift = 0 } of f.linear) add(term, factor * (weight + centre * shift));
  if (f.square !== undefined) add(f.square.term, factor * 2 * f.square.weight * t[f.square.term]!);
}

function addCorrelation(
  pair: Moments,
  scale: number,
  t: Float64Array,
  add: (term: number, weight: number) => void,
): void {
  const [x, y, xx, yy, xy] = pair;
  const { r, vx, vy, root } = correlation(pair, t, 0);
  add(xy, scale / root);
  add(xx, (-scale * r) / (2 * vx));
  add(yy, (-scale * r) / (2 * vy));
  add(x, scale * ((r * t[x]!) / vx - t[y]! / root));
  add(y, scale * ((r * t[y]!) / vy - t[x]! / root));
}
