import { show } from '../../engine/check.ts';
import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import { checkDenoiser } from '../../engine/diffusion/open-denoiser.ts';
import { checkReward } from '../../engine/diffusion/open-reward.ts';
import { OptionError } from '../../engine/errors.ts';
import { exponentsAt } from './presets.ts';
import type { CorrectorTarget, RewardTilt, Tilt } from './types.ts';

const WHERE = 'corrector';

export interface CheckedTarget {
  /** Each once. */
  readonly experts: readonly Denoiser[];
  /** One for each of them. */
  exponents(time: number): readonly number[];
  readonly tilts: readonly (Tilt | RewardTilt)[];
}

/** @throws OptionError for a target that is none, naming the expert or tilt. */
export function checkTarget(target: CorrectorTarget): CheckedTarget {
  const given = target?.experts;
  if (!Array.isArray(given) || given.length === 0)
    throw badTarget(
      target,
      `option \`target\` is ${show(target)}`,
      'a target with at least one denoiser',
      'Try target: anneal(denoiser, 2).',
    );
  given.forEach((expert, i) => void checkDenoiser(WHERE, `experts[${i}]`, expert));
  const first = given[0] as Denoiser;
  const odd = given.findIndex((expert) => expert.dimension !== first.dimension);
  if (odd >= 0)
    throw badTarget(
      target,
      `expert ${odd} has ${given[odd].dimension} dimensions`,
      `${first.dimension}, as the first one has`,
    );
  const experts = [...new Set(given)] as Denoiser[];
  const slots = given.map((expert) => experts.indexOf(expert));
  return {
    experts,
    tilts: checkTilts(target, first.dimension),
    exponents(time) {
      const b = exponentsAt(target, time);
      if (!Array.isArray(b) || b.length !== given.length || !b.every(Number.isFinite))
        throw badTarget(
          b,
          `the exponents at time ${time} are ${Array.isArray(b) ? `[${b.join(', ')}]` : show(b)}`,
          `${given.length} finite numbers, one for each expert`,
        );
      const sums = new Array<number>(experts.length).fill(0);
      for (const [i, slot] of slots.entries()) sums[slot] = sums[slot]! + b[i]!;
      return sums;
    },
  };
}

function checkTilts({ tilts = [] }: CorrectorTarget, d: number): readonly (Tilt | RewardTilt)[] {
  if (!Array.isArray(tilts))
    throw badTarget(tilts, `option \`target.tilts\` is ${show(tilts)}`, 'a list of tilts');
  for (const [i, tilt] of tilts.entries()) {
    const parts: unknown = 'reward' in Object(tilt) ? tilt.ramp : tilt;
    const names = parts === tilt ? ['value', 'gradient', 'rate'] : ['at', 'rate'];
    if (parts !== tilt) checkReward(WHERE, tilt.reward, d);
    if (names.every((name) => typeof Object(parts)[name] === 'function')) continue;
    throw badTarget(
      tilt,
      `option \`target.tilts[${i}]\` is ${show(tilt)}`,
      'functions { value, gradient, rate } of points and a time, or { reward, ramp: { at, rate } }',
    );
  }
  return tilts;
}

/** @throws OptionError where a reward is faded in by what is no number. */
export function checkRamps(tilts: readonly (Tilt | RewardTilt)[], times: readonly number[]): void {
  for (const [i, tilt] of tilts.entries()) {
    if (!('reward' in tilt)) continue;
    const { ramp } = tilt;
    const odd = times.find((time) => !Number.isFinite(ramp.at(time)) || !Number.isFinite(ramp.rate(time)));
    if (odd === undefined) continue;
    throw badTarget(
      tilt,
      `the ramp of tilt ${i} is ${show(ramp.at(odd))} with rate ${show(ramp.rate(odd))} at time ${odd}`,
      'finite numbers',
    );
  }
}

export function badTarget(value: unknown, found: string, expected: string, fix?: string): OptionError {
  return new OptionError({
    ...{ where: WHERE, option: 'target', value, found, expected },
    ...(fix === undefined ? {} : { fix }),
  });
}
