import type { Warning } from '../../engine/types.ts';
import type { CorrectorPlan } from './plan.ts';
import {
  dataAtStart,
  FEW_ANCESTORS,
  HEAVY,
  MANY_RESAMPLINGS,
  NORMAL,
  percent,
  type Seen,
  STIFF,
  scoresUnknown,
  short,
  THIN,
} from './trust.ts';

/** What correctors have to say about themselves. */
export function correctorWarnings(plan: CorrectorPlan, seen: Seen, standardError: number): Warning[] {
  return [
    ...(plan.weights === 'none' ? notCorrected(plan) : weightWarnings(plan, seen)),
    ...skewed(plan, seen, standardError),
    ...stiff(plan, seen),
    ...runaway(seen),
    ...approximate(plan),
    ...notNormal(plan),
  ];
}

function notCorrected({ terms, tilts }: CorrectorPlan): Warning[] {
  const plain =
    tilts.length === 0 && terms.every(({ exponents: [b, ...others] }) => b === 1 && others.length === 0);
  if (plain) return [];
  return [
    {
      code: 'not-corrected',
      message:
        "Without weights this is guidance alone: its mean is not that of the target, however many particles there are. Leave weights: 'none' out for the target.",
    },
  ];
}

function weightWarnings({ rule, runs }: CorrectorPlan, seen: Seen): Warning[] {
  const { leastEss, largestWeight, uniqueAncestors } = seen;
  const resamplings = seen.resamplings / runs;
  const found: Warning[] = [];
  if (leastEss.share < THIN)
    found.push({
      code: 'thin-weights',
      message: `At time ${short(leastEss.time)} only ${percent(leastEss.share)} of the particles counted (warned below 5 %), and the next ones descend from those few. Use another control, more steps or more particles.`,
      value: leastEss.share,
      threshold: THIN,
    });
  if (largestWeight > HEAVY)
    found.push({
      code: 'one-weight',
      message: `One particle holds ${percent(largestWeight)} of the final weight (warned above 50 %). The sample is nearly a single point.`,
      value: largestWeight,
      threshold: HEAVY,
    });
  if (uniqueAncestors < FEW_ANCESTORS)
    found.push({
      code: 'few-ancestors',
      message: `All particles descend from ${percent(uniqueAncestors)} of the first ones (warned below 1 %): they are a few families. Use another control, or more particles.`,
      value: uniqueAncestors,
      threshold: FEW_ANCESTORS,
    });
  // Clocks replace a few particles at every step.
  if (rule.kind !== 'clocks' && resamplings > MANY_RESAMPLINGS)
    found.push({
      code: 'many-resamplings',
      message: `A run was resampled ${short(resamplings)} times (warned above ${MANY_RESAMPLINGS}), which loses modes one by one. Use control: 'affine' or 'transport', or resample: { ess: 0.5 }.`,
      value: resamplings,
      threshold: MANY_RESAMPLINGS,
    });
  return found;
}

/** Deviation of log Z of a run above which Z is skewed. */
const SKEWED = 0.5;

function skewed({ runs }: CorrectorPlan, { finished }: Seen, standardError: number): Warning[] {
  const deviation = standardError * Math.sqrt(runs);
  if (!finished || !(deviation > SKEWED)) return [];
  return [
    {
      code: 'skewed-normalizer',
      message: `Log Z of a run varies by ${short(deviation)} (warned above ${SKEWED}): Z is skewed, and its interval too short, upwards above all. Use control: 'affine', or more particles.`,
      value: deviation,
      threshold: SKEWED,
    },
  ];
}

function stiff({ weights }: CorrectorPlan, { stability }: Seen): Warning[] {
  if (!(stability > STIFF)) return [];
  const follows =
    weights === 'exact' ? 'Weights say so, and pay for it' : 'The bias is not in the standard errors';
  return [
    {
      code: 'steps-too-long',
      message: `The stiffest step has a stability number of ${short(stability)} (warned above ${STIFF}): Euler steps overshoot. ${follows}. Use more steps, or a grid with more of them there.`,
      value: stability,
      threshold: STIFF,
    },
  ];
}

function runaway({ runaway: { share, time } }: Seen): Warning[] {
  if (share === 0) return [];
  return [
    {
      code: 'particles-run-away',
      message: `At time ${short(time)} ${percent(share)} of the particles were more than 10 times as far out as data and noise are: the target may have no finite integral there. Try a smaller strength, or more steps.`,
      value: share,
      threshold: 0,
    },
  ];
}

function approximate({ experts }: CorrectorPlan): Warning[] {
  const count = experts.filter(scoresUnknown).length;
  if (count === 0) return [];
  return [
    {
      code: 'scores-approximate',
      message: `${count} of ${experts.length} experts are models without a log density: weights take their scores for exact, and an error of theirs counts squared. Compare with guidance alone.`,
      value: count,
      threshold: 0,
    },
  ];
}

function notNormal(plan: CorrectorPlan): Warning[] {
  const seen = dataAtStart(plan);
  if (plan.weights === 'none' || !(seen > NORMAL)) return [];
  return [
    {
      code: 'start-not-normal',
      message: `The start was taken for normal, but the variance of the data is ${percent(seen)} of that of the noise there (warned above 5 %): the sample is biased. Begin at more noise, or use prior: 'exact' with log densities.`,
      value: seen,
      threshold: NORMAL,
    },
  ];
}
