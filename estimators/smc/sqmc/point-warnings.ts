import { spaced } from '../../../engine/check.ts';
import { isPowerOfTwo, neighbouringPowers } from '../../../engine/random/point-set.ts';
import type { Warning } from '../../../engine/types.ts';

/** What quasi-random points of a filter call for: a power of two, and a second run to tell the error. */
export function pointWarnings(plan: {
  readonly quasiRandom: boolean;
  readonly particles: number;
  readonly runs: number;
}): Warning[] {
  const { quasiRandom, particles, runs } = plan;
  if (!quasiRandom) return [];
  const warnings: Warning[] = [];
  if (!isPowerOfTwo(particles)) {
    const [below, above] = neighbouringPowers(particles);
    warnings.push({
      code: 'points-not-power-of-two',
      message: `${spaced(particles)} quasi-random particles are not a power of two and lose accuracy. Try particles: ${below} or ${above}.`,
      value: particles,
    });
  }
  if (runs === 1)
    warnings.push({
      code: 'one-replicate',
      message:
        'One run of a quasi-random filter tells no standard error. Use runs: 8 or more, with fewer particles each.',
      value: 1,
      threshold: 2,
    });
  return warnings;
}
