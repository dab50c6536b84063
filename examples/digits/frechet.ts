import { rngFromSeed } from 'ensample';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import told from './models/digits.json' with { type: 'json' };
import { FEATURES } from './networks.ts';

/*
 * |m - m_0|^2 + tr(C + C_0 - 2 (C_0^1/2 C C_0^1/2)^1/2): how far two normal laws are apart, here those of features with mean m
 * and covariance C, and of held-out digits, m_0 and C_0. Roots are of symmetric matrices, by their eigenvalues.
 */
const REAL = { mean: told.heldOut.mean, covariance: new Matrix(told.heldOut.covariance) };
const ROOT = root(REAL.covariance);

/** From held-out digits to features [n, 64]. The fewer there are, the larger it is, by chance alone. */
export function frechet(features: Float64Array): number {
  const { mean, covariance } = momentsOf(features);
  const { realEigenvalues } = eigen(ROOT.mmul(covariance).mmul(ROOT));
  const apart = mean.reduce((sum, m, c) => sum + (m - REAL.mean[c]!) ** 2, 0);
  const overlap = realEigenvalues.reduce((sum, v) => sum + Math.sqrt(Math.max(0, v)), 0);
  return apart + covariance.trace() + REAL.covariance.trace() - 2 * overlap;
}

/** What chance makes of n draws of the very law they are compared with: the mean of some tries. */
export function frechetOfChance(n: number, tries = 10): number {
  let sum = 0;
  for (let attempt = 0; attempt < tries; attempt++) {
    const stream = rngFromSeed(attempt).stream({ purpose: 0 });
    const noise = Matrix.zeros(n, FEATURES).apply(function (this: Matrix, i, c) {
      this.set(i, c, stream.normal());
    });
    const drawn = noise.mmul(ROOT).addRowVector(REAL.mean);
    sum += frechet(Float64Array.from(drawn.to1DArray()));
  }
  return sum / tries;
}

/** Root mean square distance of two pictures in features, 1 for held-out digits. */
export function spread(features: Float64Array): number {
  return Math.sqrt(momentsOf(features).covariance.trace() / REAL.covariance.trace());
}

function momentsOf(features: Float64Array): { readonly mean: number[]; readonly covariance: Matrix } {
  const n = features.length / FEATURES;
  const rows = Matrix.from1DArray(n, FEATURES, features);
  const mean = rows.mean('column');
  const centred = rows.subRowVector(mean);
  return {
    mean,
    covariance: centred
      .transpose()
      .mmul(centred)
      .div(n - 1),
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
