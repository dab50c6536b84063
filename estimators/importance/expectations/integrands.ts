import type { PointFailure } from '../../../engine/errors.ts';

/**
 * J functions under L laws on the working space R^d, all known at the same points. The adaptation sees nothing else of
 * the user's problem.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | J | count | |
 * | phi_j(x) | phi | [n, J] |
 * | log f_l(x) | logLaw | [n, L] |
 * | l of j | lawOf | [J] |
 */
export interface Integrands {
  /** d of the working space. */
  readonly dimension: number;
  /** J */
  readonly count: number;
  /** L; law 0 is that of `inputs`. */
  readonly laws: number;
  /** [J] which law each function is averaged under. */
  readonly lawOf: Uint32Array;
  /** Points of law l: uniforms u [n, d] to x [n, d] in the working space; `x` may be `u`. */
  transport(law: number, u: Float64Array, x: Float64Array): void;
  /**
   * phi_j and log f_l at rows 0..n-1 of x [n, d]. Where f_l(x) = 0 logLaw is -Infinity. What it returns is the caller's.
   * @throws ModelError when the model fails and `missing` is 'error'; ValueError when a phi_j is not finite.
   */
  evaluate(x: Float64Array, n: number): Promise<Evaluated>;
  /** Model evaluations so far. */
  readonly evaluations: number;
  dispose(): void;
}

export interface Evaluated {
  /** [n, J] */
  readonly phi: Float64Array;
  /** [n, L] natural log of normalised densities in the working space. */
  readonly logLaw: Float64Array;
  /** [n, k] the model's outputs, and [n, inputs] the points as inputs. */
  readonly outputs: Float64Array;
  readonly inputs: Float64Array;
  readonly failures: readonly PointFailure[];
}
