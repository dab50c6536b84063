import type { MixtureParameters } from '../distribution/normal-mixture.ts';
import { logGamma } from '../math/gamma.ts';

/** The function exp(log + linear'x - x' precision x / 2) of d numbers: a normal law times a constant, or no law at all. */
export interface NormalTerm {
  readonly log: number;
  /** [d, d], symmetric */
  readonly precision: Float64Array;
  /** [d] */
  readonly linear: Float64Array;
}

/** Terms of the b-th power of a sum of K functions, b whole unless K is 1. */
export function powerTermCount(components: number, b: number): number {
  if (components === 1) return 1;
  let count = 1;
  for (let i = 1; i <= b; i++) count *= (components - 1 + i) / i;
  return Math.round(count);
}

/**
 * (sum_k w_k N_k)^b as a sum of terms, by the multinomial theorem: b!/prod n_k! prod (w_k N_k)^n_k over all n_k >= 0 with
 * sum b. Components of weight 0 are left out.
 * @param b whole and >= 0, or any number when one component has a weight.
 */
export function powerTerms(mixture: MixtureParameters, b: number): readonly NormalTerm[] {
  const parts = componentTerms(mixture);
  const d = mixture.dimension;
  if (parts.length === 1) return [scaled(parts[0]!, b)];
  const start = { log: logGamma(b + 1), precision: new Float64Array(d * d), linear: new Float64Array(d) };
  const found: NormalTerm[] = [];
  const choose = (k: number, left: number, term: NormalTerm): void => {
    const last = k === parts.length - 1;
    for (let n = last ? left : 0; n <= left; n++) {
      const next = n === 0 ? term : times(term, share(parts[k]!, n));
      if (last) found.push(next);
      else choose(k + 1, left - n, next);
    }
  };
  choose(0, b, start);
  return found;
}

/** (w N)^n / n! */
function share(part: NormalTerm, n: number): NormalTerm {
  const power = scaled(part, n);
  return { ...power, log: power.log - logGamma(n + 1) };
}

/** Every term of one sum times every term of the other. */
export function multiply(left: readonly NormalTerm[], right: readonly NormalTerm[]): readonly NormalTerm[] {
  return left.flatMap((a) => right.map((b) => times(a, b)));
}

function componentTerms({
  dimension: d,
  components,
  means,
  whiten,
  logConstant,
}: MixtureParameters): readonly NormalTerm[] {
  const triangle = (d * (d + 1)) / 2;
  return Array.from({ length: components }, (_, k) => k)
    .filter((k) => logConstant[k]! > -Infinity)
    .map((k) => {
      const w = whiten.subarray(k * triangle, (k + 1) * triangle);
      const mean = means.subarray(k * d, (k + 1) * d);
      const precision = gram(w, d);
      const linear = new Float64Array(d);
      let square = 0;
      for (let i = 0; i < d; i++) {
        for (let j = 0; j < d; j++) linear[i] = linear[i]! + precision[i * d + j]! * mean[j]!;
        square += linear[i]! * mean[i]!;
      }
      return { log: logConstant[k]! - square / 2, precision, linear };
    });
}

/** W'W [d, d] of a lower triangle by rows. */
function gram(w: Float64Array, d: number): Float64Array {
  const out = new Float64Array(d * d);
  for (let row = 0; row < d; row++) {
    const at = (row * (row + 1)) / 2;
    for (let i = 0; i <= row; i++)
      for (let j = 0; j <= row; j++) out[i * d + j] = out[i * d + j]! + w[at + i]! * w[at + j]!;
  }
  return out;
}

function times(a: NormalTerm, b: NormalTerm): NormalTerm {
  return {
    log: a.log + b.log,
    precision: a.precision.map((value, at) => value + b.precision[at]!),
    linear: a.linear.map((value, at) => value + b.linear[at]!),
  };
}

function scaled({ log, precision, linear }: NormalTerm, b: number): NormalTerm {
  return { log: log * b, precision: precision.map((p) => p * b), linear: linear.map((e) => e * b) };
}
