import { type CorrectorTarget, ess, logMeanExp, normalizedWeight, product } from 'ensample';
import { overRuns, sharesByRun } from '../figures/weighted.ts';
import type { LogZ, Setting } from './draw.ts';
import { STRENGTH, towards } from './guided.ts';
import { likeliest } from './judge.ts';
import { CLASSES, type Goal } from './networks.ts';

/*
 * Guidance of strength w by a classifier h(x) = sum_c a_c p(c given x): the law q(x) h(x)^w. What shares the digits have there
 * is known without any guidance: digits of q, each counted h(x)^w times. Digits other than the one that is guided to keep
 * half of h, so that guidance has shares to get right; with one label alone all digits would be of that class either way.
 */

/** Guided to. */
export const WANTED = 3;
const GOAL: Goal = Array.from({ length: CLASSES }, (_, c) => (c === WANTED ? 1 : 0.5));

/** Shares of the ten digits with their standard errors. */
export interface Shares {
  readonly value: readonly number[];
  readonly error: readonly number[];
}

export interface GuidanceCheck {
  readonly pictures: number;
  /** Digits of q as they are. */
  readonly unguided: Shares;
  /** The product, from these. */
  readonly exact: Shares;
  readonly plain: Shares;
  readonly corrected: Shares;
  readonly logZ: { readonly exact: LogZ; readonly corrected: LogZ };
}

/** All three with the same steps, as some runs of their own, whose spread makes the errors. */
export async function checkGuidance(setting: Setting, runs: number): Promise<GuidanceCheck> {
  const { networks, pictures } = setting;
  const law = (target: CorrectorTarget, corrected: boolean, part: number) => {
    const tell = (share: number): void => setting.tell((part + share) / 3);
    return towards(target, corrected, Math.ceil(pictures / 2), { ...setting, tell }, { runs, finer: 2 });
  };
  const target = {
    ...product([networks.denoiser()]),
    tilts: [networks.tilt(GOAL, STRENGTH)],
  };
  const sharesOf = async (sample: Awaited<ReturnType<typeof law>>['sample']): Promise<Shares> => {
    const found = likeliest(await networks.judge(sample.points));
    return overRuns(sharesByRun(sample, runs, CLASSES, (i) => found[i]!));
  };
  const { sample } = await law(product([networks.denoiser()]), false, 0);
  const plain = await law(target, false, 1);
  const corrected = await law(target, true, 2);
  const logWeight = new Float64Array(sample.logWeight.length);
  await networks.reward(GOAL).value(sample.points, logWeight);
  for (let i = 0; i < logWeight.length; i++) logWeight[i]! *= STRENGTH;
  const { value, standardError: error } = corrected.logNormalizer;
  return {
    pictures: sample.shape[0],
    unguided: await sharesOf(sample),
    exact: weightedShares(likeliest(await networks.judge(sample.points)), logWeight),
    plain: await sharesOf(plain.sample),
    corrected: await sharesOf(corrected.sample),
    logZ: { exact: logMean(logWeight), corrected: { value, error } },
  };
}

/** Shares of weighted independent points: their errors are those of a ratio, sum W^2 (1 - share)^2. */
function weightedShares(digits: Uint8Array, logWeight: Float64Array): Shares {
  const weight = normalizedWeight(logWeight);
  const value = new Array<number>(CLASSES).fill(0);
  digits.forEach((digit, i) => {
    value[digit]! += weight[i]!;
  });
  const error = value.map((share, c) =>
    Math.sqrt(digits.reduce((sum, digit, i) => sum + (weight[i]! * ((digit === c ? 1 : 0) - share)) ** 2, 0)),
  );
  return { value, error };
}

function logMean(logWeight: Float64Array): LogZ {
  const error = Math.sqrt(1 / ess(logWeight) - 1 / logWeight.length);
  return { value: logMeanExp(logWeight), error };
}

/** Total variation: what would have to move, 0 to 1. */
export function distance(found: Shares, exact: Shares): number {
  return found.value.reduce((sum, share, c) => sum + Math.abs(share - exact.value[c]!), 0) / 2;
}
