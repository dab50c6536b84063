import type { ComponentDensities } from './component-densities.ts';
import { logMixed } from './component-densities.ts';
import { controlled } from './controls.ts';
import { weightedTerms } from './history.ts';
import type { Evaluated, Integrands } from './integrands.ts';

/** T [n, J] at n evaluated points, and log g_alpha [n]. */
export interface Terms {
  readonly terms: Float64Array;
  readonly densities: ComponentDensities;
  readonly logProposal: Float64Array;
}

/**
 * @param densities components at rows 0..n-1, as `componentDensities` filled them.
 * @param rung [J]; absent: the functions themselves.
 */
export function termsOf(
  integrands: Integrands,
  evaluated: Pick<Evaluated, 'phi' | 'law' | 'top' | 'scores'>,
  densities: ComponentDensities,
  rung?: Float64Array,
): Terms {
  const n = evaluated.top.length;
  const logProposal = Float64Array.from({ length: n }, (_, i) => logMixed(densities, i));
  const terms = new Float64Array(n * integrands.count);
  weightedTerms(evaluated, integrands, n, logProposal, terms, rung);
  return { terms, densities, logProposal };
}

/** T - B R [n, J]. */
export function summandsOf({ terms, densities }: Terms, control: Float64Array, count: number): Float64Array {
  const out = new Float64Array(terms.length);
  controlled(terms, densities, control, count, out);
  return out;
}

/** Adds to hits [J] the rows of phi [n, J] at which phi_j f_j is not 0. */
export function countHits({ count }: Integrands, { phi }: Pick<Evaluated, 'phi'>, hits: Uint32Array): void {
  for (let i = 0; i * count < phi.length; i++)
    for (let j = 0; j < count; j++) if (phi[i * count + j] !== 0) hits[j] = hits[j]! + 1;
}
