import { rngFromSeed } from 'ensample';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import told from './models/digits.json' with { type: 'json' };
import { FEATURES } from './networks.ts';

/*
 * |m - m_0|^2 + tr(C + C_0 - 2 (C_0^1/2 C C_0^1/2)^1/2): how far two normal laws are apart, here those of features with mean m
 * and covariance C, and of digits to compare with, m_0 and C_0. Roots are of symmetric matrices, by their eigenvalues.
 */
export interface Moments {
  readonly mean: readonly number[];
  readonly covariance: Matrix;
}

export const REAL: Moments = { mean: told.heldOut.mean, covariance: new Matrix(told.heldOut.covariance) };

/** From features [n, 64] to those of a law, m_0 and C_0. The fewer there are, the larger it is, by chance alone. */
export function frechet(features: Float64Array, law: Moments = REAL): number {
  const { mean, covariance } = momentsOf(features);
  const half = root(law.covariance);
  const { realEigenvalues } = eigen(half.mmul(covariance).mmul(half));
  const apart = mean.reduce((sum, m, c) => sum + (m - law.mean[c]!) ** 2, 0);
  const overlap = realEigenvalues.reduce((sum, v) => sum + Math.sqrt(Math.max(0, v)), 0);
  return apart + covariance.trace() + law.covariance.trace() - 2 * overlap;
}

/** What chance makes of n draws of the very law they are compared with: the mean of some tries. */
export function frechetOfChance(n: number, tries = 10): number {
  const half = root(REAL.covariance);
  let sum = 0;
  for (let attempt = 0; attempt < tries; attempt++) {
    const stream = rngFromSeed(attempt).stream({ purpose: 0 });
    const noise = Matrix.zeros(n, FEATURES).apply(function (this: Matrix, i, c) {
      this.set(i, c, stream.normal());
    });
    const drawn = noise.mmul(half).addRowVector([...REAL.mean]);
    sum += frechet(Float64Array.from(drawn.to1DArray()));
  }
  return sum / tries;
}

/** Root mean square distance of two pictures in features, 1 for held-out digits. */
export function spread(features: Float64Array): number {
  return Math.sqrt(momentsOf(features).covariance.trace() / REAL.covariance.trace());
}

/** Of features [n, 64], all alike or with weights [n] that sum to 1. */
export function momentsOf(features: Float64Array, weight?: Float64Array): Moments {
  const n = features.length / FEATURES;
  const rows = Matrix.from1DArray(n, FEATURES, features);
  const share = Matrix.columnVector([...(weight ?? new Float64Array(n).fill(1 / n))]);
  const mean = share.transpose().mmul(rows).to1DArray();
  const centred = rows.subRowVector(mean);
  const squares = share.to1DArray().reduce((sum, w) => sum + w * w, 0);
  const weighted = centred.clone().mulColumnVector(share);
  return {
    mean,
    covariance: centred
      .transpose()
      .mmul(weighted)
      .div(1 - squares),
  };
}

function eigen(matrix: Matrix): EigenvalueDecomposition {
  return new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
}

function root(matrix: Matrix): Matrix {
  const { realEigenvalues, eigenvectorMatrix: vectors } = eigen(matrix);
  const roots = Matrix.diag(realEigenvalues.map((v) => Math.sqrt(Math.max(0, v))));
  return vectors.mmul(roots).mmul(vectors.transpose());
}
