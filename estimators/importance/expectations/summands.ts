import type { ComponentDensities } from './component-densities.ts';
import { logMixed } from './component-densities.ts';
import { controlled } from './controls.ts';
import { weightedTerms } from './history.ts';
import type { Evaluated, Integrands } from './integrands.ts';
import type { Weighed } from './law-mixture.ts';

/** T [n, J] and R [n, J + 1] at n evaluated points, and log g_alpha [n]. */
export interface TermsAndRatios {
  readonly terms: Float64Array;
  readonly ratios: Float64Array;
  readonly logProposal: Float64Array;
}

/**
 * @param densities components at rows 0..n-1, as `componentDensities` filled them.
 * @param rung [J]; absent: the functions themselves.
 */
export function termsAndRatios(
  integrands: Integrands,
  evaluated: Pick<Weighed, 'phi' | 'law' | 'top' | 'scores'>,
  densities: ComponentDensities,
  rung?: Float64Array,
): TermsAndRatios {
  const { count } = integrands;
  const { scaled, mixed } = densities;
  const n = evaluated.top.length;
  const logProposal = Float64Array.from({ length: n }, (_, i) => logMixed(densities, i));
  const terms = new Float64Array(n * count);
  weightedTerms(evaluated, integrands, n, logProposal, terms, rung);
  const width = count + 1;
  const ratios = new Float64Array(n * width);
  for (let i = 0; i < n; i++) {
    const own = mixed[i]!;
    for (let at = i * width; at < (i + 1) * width; at++) ratios[at] = scaled[at]! / own;
  }
  return { terms, ratios, logProposal };
}

/** T - B R [n, J]. */
export function summandsOf(
  { terms, ratios }: TermsAndRatios,
  control: Float64Array,
  count: number,
): Float64Array {
  const out = new Float64Array(terms.length);
  controlled(terms, ratios, control, count, out);
  return out;
}

/** Adds to hits [J] the rows of phi [n, J] at which phi_j f_j is not 0. */
export function countHits(
  integrands: Integrands,
  { phi, logLaw }: Pick<Evaluated, 'phi' | 'logLaw'>,
  hits: Uint32Array,
): void {
  const { count, laws, lawOf } = integrands;
  for (let i = 0; i * count < phi.length; i++)
    for (let j = 0; j < count; j++)
      if (phi[i * count + j] !== 0 && logLaw[i * laws + lawOf[j]!]! > -Infinity) hits[j] = hits[j]! + 1;
}
