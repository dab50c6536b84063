import type { Evaluated } from './open-target.ts';
import type { StepTerms } from './terms.ts';

/*
 * Weights that are exact for any step: with m(x) = x + h (u_k(x) + theta(x)) the mean of the move that was made and
 * m'(x') = x' + h (-u_(k+1)(x') - theta(x') + a_(k+1)^2 S_(k+1)(x')) that of a move back,
 *
 *   log G = log gamma_(k+1)(x') - log gamma_k(x) + (|x' - m(x)|^2 - |x - m'(x')|^2) / (2 a_k^2 h)
 *
 * theta(x) = theta_x x + theta_e is the control of step k in both.
 */

/** Positions, drifts and log gamma of K particles. */
export interface Place {
  readonly x: Float64Array;
  readonly u: Float64Array;
  readonly logTarget: Float64Array;
}

/** The control of a step. */
export interface StepControl {
  readonly slope: number;
  /** [d] */
  readonly shift: Float64Array;
}

/** log G into `out` [K], of particles that went from `from` to `to`, where `evaluated` was evaluated. */
export function exactWeights(
  before: StepTerms,
  after: StepTerms,
  control: StepControl,
  from: Place,
  to: Place,
  evaluated: Evaluated,
  out: Float64Array,
): void {
  const { step: h, noise } = before;
  const K = out.length;
  const d = from.x.length / K;
  const M = after.exponents.length;
  const tilted = evaluated.slope.length > 0;
  const scale = 1 / (2 * noise * h);
  for (let n = 0; n < K; n++) {
    let squares = 0;
    for (let c = 0; c < d; c++) {
      const at = n * d + c;
      let score = tilted ? evaluated.slope[at]! : 0;
      for (let e = 0; e < M; e++) score += after.exponents[e]! * evaluated.scores[e * K * d + at]!;
      const theta = control.shift[c]!;
      const there = from.u[at]! + control.slope * from.x[at]! + theta;
      const back = -to.u[at]! - control.slope * to.x[at]! - theta + after.noise * score;
      const moved = to.x[at]! - from.x[at]!;
      squares += (moved - h * there) ** 2 - (moved + h * back) ** 2;
    }
    out[n] = to.logTarget[n]! - from.logTarget[n]! + scale * squares;
  }
}
