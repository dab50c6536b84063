import { spaced } from '../../../engine/check.ts';
import type { Warning } from '../../../engine/types.ts';
import type { FilterSteps } from './filter-types.ts';

/** Particles that count, as a share of all, below which averages of a step rest on few. */
const THIN = 0.05;
/** Share of one particle in the final weight above which the sample is nearly a point. */
const ONE = 0.5;
/** First particles with descendants, as a share, below which early parts of paths rest on few. */
const FEW = 0.01;

export interface Findings {
  /** R N */
  readonly particles: number;
  readonly steps: FilterSteps;
  /** The step of the first of them. */
  readonly first: number;
  /** Largest normalised weight at the last step; NaN when all are dead. */
  readonly largest: number;
  /** Steps at which runs lost all their particles, and runs in all. */
  readonly collapsedAt: Int32Array;
  readonly floored: number;
  readonly nans: number;
  /** Whether whole paths are remembered. */
  readonly paths: boolean;
}

/** What a filter has to say about itself; good news is no news. */
export function filterWarnings(findings: Findings): Warning[] {
  return [
    ...collapse(findings),
    ...floored(findings),
    ...nanPotentials(findings),
    ...thinWeights(findings),
    ...oneWeight(findings),
    ...fewAncestors(findings),
  ];
}

function collapse({ collapsedAt, particles }: Findings): Warning[] {
  const dead = collapsedAt.filter((step) => step >= 0);
  if (dead.length === 0) return [];
  const first = Math.min(...dead);
  const runs = collapsedAt.length;
  const who =
    runs === 1
      ? `none of ${spaced(particles)} particles could explain the observation, so log Z is -Infinity`
      : `a run first lost all its particles; ${dead.length} of ${runs} runs ended so and count as Z = 0`;
  const advice = 'Look at that observation; then more particles or a guided proposal.';
  return [
    { code: 'collapse', message: `At step ${first} ${who}. ${advice}`, value: dead.length, threshold: 0 },
  ];
}

function floored({ floored: times }: Findings): Warning[] {
  if (times === 0) return [];
  const message = `At ${times} ${times === 1 ? 'step' : 'steps'} no particle could explain the observation; it counted for the floor. The evidence is biased. Look at those observations; then more particles or a guided proposal.`;
  return [{ code: 'floored-likelihood', message, value: times, threshold: 0 }];
}

function nanPotentials({ nans }: Findings): Warning[] {
  if (nans === 0) return [];
  const message = `${spaced(nans)} log densities were NaN and counted as impossible (nan: 'dead'). If that was a mistake of the model, the answer is one of another model.`;
  return [{ code: 'nan-potentials', message, value: nans, threshold: 0 }];
}

function thinWeights({ particles, first, steps: { ess } }: Findings): Warning[] {
  let worst = -1;
  let thin = 0;
  for (let t = 0; t < ess.length; t++) {
    if (!(ess[t]! > 0 && ess[t]! < THIN * particles)) continue;
    thin++;
    if (worst < 0 || ess[t]! < ess[worst]!) worst = t;
  }
  if (worst < 0) return [];
  const counted = Math.max(1, Math.round(ess[worst]!));
  const share = percent(ess[worst]! / particles);
  const others = thin === 1 ? '' : ` ${thin} steps are like this; step ${first + worst} is the worst.`;
  return [
    {
      code: 'thin-weights',
      message: `At step ${first + worst} only ${spaced(counted)} of ${spaced(particles)} particles counted (${share}, warned below 5 %). Averages there rest on those few.${others} Look at that step's data; then more particles or a guided proposal.`,
      value: ess[worst]! / particles,
      threshold: THIN,
    },
  ];
}

function oneWeight({ largest }: Findings): Warning[] {
  if (!(largest > ONE)) return [];
  return [
    {
      code: 'one-weight',
      message: `One particle holds ${percent(largest)} of the final weight (warned above 50 %). The sample is nearly a single point.`,
      value: largest,
      threshold: ONE,
    },
  ];
}

function fewAncestors({ particles, steps: { families }, paths }: Findings): Warning[] {
  const left = families.at(-1) ?? particles;
  if (!paths || left >= FEW * particles) return [];
  return [
    {
      code: 'few-ancestors',
      message: `The final particles descend from ${spaced(left)} of ${spaced(particles)} first ones (${percent(left / particles)}, warned below 1 %). Statements about early steps rest on ${left === 1 ? '1 path' : `${spaced(left)} paths`}: use a smoother, or more particles.`,
      value: left / particles,
      threshold: FEW,
    },
  ];
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}
