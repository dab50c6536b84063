import { expect } from 'vitest';
import { mixtureDenoiser } from '../../engine/diffusion/analytic/mixture-denoiser.ts';
import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import type { NoiseSchedule } from '../../engine/diffusion/schedule.ts';
import { vpLinear } from '../../engine/diffusion/schedules.ts';

/** A law of two normals in the plane. */
export const LAW = {
  weights: [0.3, 0.7],
  means: [
    [1, -1],
    [-0.5, 0.5],
  ],
  covariances: [
    [
      [0.3, 0.1],
      [0.1, 0.2],
    ],
    [
      [0.1, 0],
      [0, 0.4],
    ],
  ],
};
export const vp: NoiseSchedule = vpLinear();
/** Its denoiser. */
export const exact: Denoiser = mixtureDenoiser(LAW, vp);

/** Points [n, 2]. */
export function points(n: number): Float64Array {
  return Float64Array.from({ length: 2 * n }, (_, at) => 1.5 * Math.sin(1.7 * at + 0.3));
}

/** Each within `slack` of what is expected, or of 1 where that is smaller. */
export function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>, slack: number): void {
  const errors = Array.from(
    expected,
    (value, i) => Math.abs(found[i]! - value) / Math.max(1, Math.abs(value)),
  );
  expect(Math.max(...errors)).toBeLessThan(slack);
}
