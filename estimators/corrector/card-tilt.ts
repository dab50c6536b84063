import { isReward, type RewardForm } from '../../engine/diffusion/reward.ts';
import type { RewardTilt, Tilt } from './types.ts';

/** k + b . x - x' A x / 2 */
export interface Quadratic {
  readonly constant: number;
  /** [d] */
  readonly slope: Float64Array;
  /** [d, d] */
  readonly matrix: Float64Array;
}

/** Of a tilt that is a known form times a ramp. */
export function formOf(tilt: Tilt | RewardTilt): RewardForm | undefined {
  return 'reward' in tilt && isReward(tilt.reward) ? tilt.reward.form : undefined;
}

/** sum factors_j r_j of tilts by rewards of known form, in d dimensions. */
export function quadraticOf(
  tilts: readonly (Tilt | RewardTilt)[],
  factors: readonly number[],
  d: number,
): Quadratic {
  let constant = 0;
  const slope = new Float64Array(d);
  const matrix = new Float64Array(d * d);
  for (const [j, tilt] of tilts.entries()) {
    const form = formOf(tilt)!;
    const factor = factors[j]!;
    for (let c = 0; c < d; c++) {
      if (form.kind === 'linear') {
        slope[c] = slope[c]! + factor * form.slope[c]!;
        continue;
      }
      let pull = 0;
      for (let e = 0; e < d; e++) {
        const a = form.matrix[c]![e]!;
        matrix[c * d + e] = matrix[c * d + e]! + factor * a;
        pull += a * form.center[e]!;
      }
      slope[c] = slope[c]! + factor * pull;
      constant -= 0.5 * factor * pull * form.center[c]!;
    }
  }
  return { constant, slope, matrix };
}

/** Its values at rows of x [n, d] into `out` [n]. */
export function quadraticValues(
  { constant, slope, matrix }: Quadratic,
  x: Float64Array,
  out: Float64Array,
): void {
  const d = slope.length;
  for (let i = 0; i < out.length; i++) {
    let sum = constant;
    for (let c = 0; c < d; c++) {
      let pull = slope[c]!;
      for (let e = 0; e < d; e++) pull -= 0.5 * matrix[c * d + e]! * x[i * d + e]!;
      sum += pull * x[i * d + c]!;
    }
    out[i] = sum;
  }
}
