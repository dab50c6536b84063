import { checkCount, checkList, checkNumber, checkOptionNames, show } from '../../engine/check.ts';
import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import { checkReward } from '../../engine/diffusion/open-reward.ts';
import type { RewardLike } from '../../engine/diffusion/reward.ts';
import type { NoiseSchedule } from '../../engine/diffusion/schedule.ts';
import { OptionError } from '../../engine/errors.ts';
import { fadeInTime } from './times.ts';
import type { CorrectorTarget, Ramp, RewardTilt, Tilt } from './types.ts';

/*
 * Targets are log-linear: each is sum_i b_i log q_i + rho. So scaling and adding makes them all, and they compose.
 */

/** An expert, or a target made of some. */
export type CorrectorFactor = Denoiser | CorrectorTarget;

/** q^b, the law at inverse temperature b > 0: above 1 it is sharper, below 1 flatter. @throws OptionError */
export function anneal(factor: CorrectorFactor, inverseTemperature: number): CorrectorTarget {
  checkNumber('anneal', 'inverseTemperature', inverseTemperature, positive, 'a finite number > 0');
  return combine('anneal', [factor], [inverseTemperature]);
}

/**
 * q_unconditional^(1 - w) q_conditional^w: classifier-free guidance of strength w. It exists only where the conditional law
 * is nowhere too broad, which `corrector` checks for normal mixtures.
 * @throws OptionError
 */
export function guide(
  unconditional: CorrectorFactor,
  conditional: CorrectorFactor,
  strength: number,
): CorrectorTarget {
  checkNumber('guide', 'strength', strength, Number.isFinite, 'a finite number');
  return combine('guide', [unconditional, conditional], [1 - strength, strength]);
}

/** prod q_i^b_i, exponents 1 unless told otherwise. @throws OptionError */
export function product(factors: readonly CorrectorFactor[], exponents?: readonly number[]): CorrectorTarget {
  const where = 'product';
  checkList(where, 'factors', factors, 'a list of denoisers or targets');
  checkCount(where, 'factors.length', factors.length, { min: 1, fix: 'Give at least one.' });
  const powers = exponents ?? factors.map(() => 1);
  checkList(where, 'exponents', powers, 'a list of numbers');
  checkNumber(
    where,
    'exponents.length',
    powers.length,
    (n) => n === factors.length,
    `${factors.length}, as many as factors`,
  );
  powers.forEach((b, i) => {
    checkNumber(where, `exponents[${i}]`, b, Number.isFinite, 'a finite number');
  });
  return combine(where, factors, powers);
}

export interface RewardTiltOptions {
  /**
   * lambda(t) by which the reward is faded in, 0 at the noisiest time and 1 at time 0; a function is differentiated by central
   * differences. Default 1 - t / end; with a schedule that is steep at its end (rectified flow, cosine), 1 - t / (0.9 end), and
   * 0 above.
   */
  readonly ramp?: Ramp | ((time: number) => number);
}

/** q exp(r(x)), or any other target tilted by a reward. @throws OptionError */
export function reward(
  factor: CorrectorFactor,
  source: RewardLike,
  options: RewardTiltOptions = {},
): CorrectorTarget {
  const where = 'reward';
  checkOptionNames(where, options, ['ramp']);
  const target = combine(where, [factor], [1]);
  checkReward(where, source, target.experts[0]!.dimension);
  const schedules = target.experts.map(({ schedule }) => schedule);
  const tilt: RewardTilt = { reward: source, ramp: openRamp(where, options.ramp, schedules) };
  return { ...target, tilts: [...(target.tilts ?? []), tilt] };
}

function openRamp(where: string, ramp: RewardTiltOptions['ramp'], schedules: readonly NoiseSchedule[]): Ramp {
  const { end } = schedules[0]!;
  if (ramp === undefined) return usualRamp(fadeInTime(schedules));
  const opened = rampOf(where, ramp, end);
  checkNumber(
    where,
    'ramp(0)',
    opened.at(0),
    (x) => Math.abs(x - 1) < 1e-6,
    '1 at time 0, where the reward counts in full',
  );
  return opened;
}

function rampOf(where: string, ramp: Ramp | ((time: number) => number), end: number): Ramp {
  if (typeof ramp !== 'function') {
    if (typeof ramp?.at === 'function' && typeof ramp.rate === 'function') return ramp;
    throw new OptionError({
      where,
      option: 'ramp',
      value: ramp,
      found: `option \`ramp\` is ${show(ramp)}`,
      expected: 'a function of time, or { at(time), rate(time) }',
    });
  }
  // Rounding over the step is 2e-11 of lambda, and curvature adds as much.
  const half = 5e-6 * end;
  return {
    at: ramp,
    rate(time) {
      const [low, high] = [Math.max(0, time - half), Math.min(end, time + half)];
      return (ramp(high) - ramp(low)) / (high - low);
    },
  };
}

function usualRamp(from: number): Ramp {
  return {
    at: (time) => Math.max(0, 1 - time / from),
    rate: (time) => (time <= from ? -1 / from : 0),
  };
}

function combine(
  where: string,
  factors: readonly CorrectorFactor[],
  powers: readonly number[],
): CorrectorTarget {
  const parts = factors.map((factor, i) => asTarget(where, factor, i));
  const tilts = parts.flatMap((part, i) => (part.tilts ?? []).map((tilt) => scaled(tilt, powers[i]!)));
  const fixed = parts.every((part) => typeof part.exponents !== 'function');
  const at = (time: number): readonly number[] =>
    parts.flatMap((part, i) => exponentsAt(part, time).map((b) => b * powers[i]!));
  return {
    experts: parts.flatMap(({ experts }) => experts),
    exponents: fixed ? at(0) : at,
    ...(tilts.length === 0 ? {} : { tilts }),
  };
}

/** b_i at a time. */
export function exponentsAt({ exponents }: CorrectorTarget, time: number): readonly number[] {
  return typeof exponents === 'function' ? exponents(time) : exponents;
}

function scaled(tilt: Tilt | RewardTilt, power: number): Tilt | RewardTilt {
  if (power === 1) return tilt;
  if ('reward' in tilt) {
    const { reward: source, ramp } = tilt;
    return {
      reward: source,
      ramp: { at: (time) => power * ramp.at(time), rate: (time) => power * ramp.rate(time) },
    };
  }
  const times = (name: 'value' | 'gradient' | 'rate'): Tilt['value'] => {
    return async (x, time, out) => {
      await tilt[name](x, time, out);
      for (let at = 0; at < out.length; at++) out[at] = power * out[at]!;
    };
  };
  const { curvature } = tilt;
  return {
    value: times('value'),
    gradient: times('gradient'),
    rate: times('rate'),
    ...(curvature === undefined
      ? {}
      : { curvature: (time: number) => Math.abs(power) * curvature.call(tilt, time) }),
  };
}

function asTarget(where: string, factor: CorrectorFactor, index: number): CorrectorTarget {
  if (factor !== null && typeof factor === 'object') {
    if ('experts' in factor) return factor;
    if (typeof factor.predict === 'function') return { experts: [factor], exponents: [1] };
  }
  throw new OptionError({
    where,
    option: 'factor',
    value: factor,
    found: `factor ${index} is ${show(factor)}`,
    expected: 'a denoiser, or a target',
    fix: 'Try mixtureDenoiser(mixture, schedule).',
  });
}

function positive(x: number): boolean {
  return x > 0 && x < Infinity;
}
