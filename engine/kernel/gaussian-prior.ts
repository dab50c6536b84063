import type { Law } from '../distribution/law.ts';
import type { MultivariateLaw } from '../distribution/multivariate.ts';
import { normal } from '../distribution/normal.ts';
import { OptionError } from '../errors.ts';
import { cholesky } from '../math/linear-algebra.ts';
import type { Density } from '../types.ts';
import type { KernelFit } from './kernel.ts';

/** A normal law N(mean, lower lower'). */
export interface GaussianPrior {
  /** [d] */
  readonly mean: Float64Array;
  /** [d, d] lower triangular. */
  readonly lower: Float64Array;
  /** Whether the coordinates are independent. */
  readonly diagonal: boolean;
}

/**
 * The normal law behind a density: `multivariateNormal`, or `independent` of normals.
 * @throws OptionError for any other.
 */
export function gaussianPrior(kernel: string, { where, prior, dimension: d }: KernelFit): GaussianPrior {
  const law = asLaw(prior);
  const isNormal =
    law?.name === 'multivariateNormal' || law?.marginals?.every(({ name }) => name === 'normal') === true;
  const found = isNormal && law?.dimension === d ? cholesky(law.covariance, d) : undefined;
  if (law !== undefined && found?.kind === 'factor')
    return { mean: law.mean, lower: found.lower, diagonal: isDiagonal(law) };
  throw new OptionError({
    where,
    option: 'prior',
    value: prior,
    found: `${kernel}() moves along a normal prior, and the prior is ${told(law)}`,
    expected: `multivariateNormal(...), or independent([...]) of normals, in ${d} dimensions`,
    fix: 'Or choose another move, such as randomWalk().',
  });
}

/**
 * The laws of independent coordinates.
 * @throws OptionError when the prior is not of that form, or a law is discrete.
 */
export function independentPrior(kernel: string, { where, prior, dimension: d }: KernelFit): readonly Law[] {
  const law = asLaw(prior);
  const laws = law?.marginals ?? normalMarginals(law);
  if (laws?.length === d && laws.every(({ discrete }) => !discrete)) return laws;
  throw new OptionError({
    where,
    option: 'prior',
    value: prior,
    found: `${kernel}() moves coordinate by coordinate, and the prior is ${told(law)}`,
    expected: `independent([...]) of ${d} continuous laws`,
    fix: 'Or choose another move, such as randomWalk() or pcn().',
  });
}

/** Of a normal law with independent coordinates. */
function normalMarginals(law: MultivariateLaw | undefined): readonly Law[] | undefined {
  if (law?.name !== 'multivariateNormal' || !isDiagonal(law)) return undefined;
  const { dimension: d, mean, covariance } = law;
  return Array.from(mean, (m, i) => normal(m, Math.sqrt(covariance[i * d + i]!)));
}

function isDiagonal({ dimension: d, covariance }: MultivariateLaw): boolean {
  for (let i = 0; i < d; i++) for (let j = 0; j < i; j++) if (covariance[i * d + j] !== 0) return false;
  return true;
}

function asLaw(prior: Density | undefined): MultivariateLaw | undefined {
  // Laws are densities that can describe themselves; what a user wrote cannot, and says nothing of its form.
  return prior !== undefined && 'describe' in prior ? (prior as MultivariateLaw) : undefined;
}

function told(law: MultivariateLaw | undefined): string {
  return law === undefined ? 'a function' : law.describe();
}
