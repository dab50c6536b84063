import type { PointFailure } from '../../../engine/errors.ts';
import type { Place } from '../../../engine/model/place.ts';
import type { LawsAt } from './laws-at.ts';

/**
 * J functions under L laws on the working space R^d, all known at the same points. The adaptation sees nothing else of
 * the user's problem.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | J | count | |
 * | phi_j(x) | phi | [n, J] |
 * | f_l(x) | law, top | [n, L], [n] |
 * | l of j | lawOf | [J] |
 * | S_e(x), distance to the event | scores | [n, E] |
 */
export interface Integrands {
  /** d of the working space. */
  readonly dimension: number;
  /** J */
  readonly count: number;
  /** [J] names of the functions. */
  readonly names: readonly string[];
  /** L; law 0 is that of `inputs`. */
  readonly laws: number;
  /** [J] which law each function is averaged under. */
  readonly lawOf: Uint32Array;
  /** [k] names of the model's outputs; empty as long as the model has not told them. */
  readonly outputs: readonly string[];
  /** Where the model runs. */
  readonly place: Place;
  /** The functions that are 1 inside an event and 0 outside: E of them, ascending. */
  readonly events: readonly number[];
  /** Points of law l: uniforms u [n, d] to x [n, d] in the working space; `x` may be `u`. */
  transport(law: number, u: Float64Array, x: Float64Array): void;
  /**
   * phi_j and f_l at rows 0..n-1 of x [n, d]. Where f_l(x) = 0, phi_j of the functions under it is 0. What it returns is the caller's.
   * @throws ModelError when the model fails and `missing` is 'error'; ValueError when a phi_j is not finite.
   */
  evaluate(x: Float64Array, n: number): Promise<Evaluated>;
  /** Model evaluations so far. */
  readonly evaluations: number;
  dispose(): void;
}

export interface Evaluated extends LawsAt {
  /** [n, J] */
  readonly phi: Float64Array;
  /**
   * [n, E] how far inside its event a point is, for rare events to climb: phi = 1 exactly where it is > 0, the larger
   * the nearer outside, -Infinity where the law has no mass.
   */
  readonly scores: Float64Array;
  /**
   * [n, k] the model's outputs, NaN at points where no law has mass (the model was not run there), and [n, inputs] the
   * points as inputs.
   */
  readonly outputs: Float64Array;
  readonly inputs: Float64Array;
  readonly failures: readonly PointFailure[];
}
