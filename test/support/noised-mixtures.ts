import type { NoiseSchedule } from '../../engine/diffusion/schedule.ts';
import { veGeometric, vpLinear } from '../../engine/diffusion/schedules.ts';

/** The schedule of a case of test/reference/noised-mixtures.json. */
export function givenSchedule(given: {
  readonly betaMin?: number;
  readonly betaMax?: number;
  readonly sigmaMin?: number;
  readonly sigmaMax?: number;
}): NoiseSchedule {
  const { betaMin, betaMax, sigmaMin, sigmaMax } = given;
  return betaMin !== undefined && betaMax !== undefined
    ? vpLinear({ betaStart: betaMin, betaEnd: betaMax })
    : veGeometric({ smallest: sigmaMin!, largest: sigmaMax! });
}
