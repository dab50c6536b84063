import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import type { CorrectorPlan } from './plan.ts';
import { type Runaway, secondMomentOf } from './runaway.ts';
import type { CorrectorNormalizer } from './types.ts';

/** What a run saw of itself. */
export interface Seen {
  readonly finished: boolean;
  /** Least effective sample size of any step, as a share of the particles, and where. */
  readonly leastEss: { readonly share: number; readonly time: number };
  readonly largestWeight: number;
  readonly uniqueAncestors: number;
  /** Of all runs. */
  readonly resamplings: number;
  readonly runaway: Runaway;
  /** The largest of all steps; 0 where none is known. */
  readonly stability: number;
  /** Of log Z by the left point, estimated; NaN where it is not known. */
  readonly leftPoint: number;
}

/** Effective share below which weights rest on few. */
export const THIN = 0.05;
/** Weight of one particle above which a sample is nearly a point. */
export const HEAVY = 0.5;
/** Share of the first particles with descendants below which a sample is a few families. */
export const FEW_ANCESTORS = 0.01;
/** Resamplings of a run above which much is lost by them. */
export const MANY_RESAMPLINGS = 20;
/** Above which an Euler step is not stable. */
export const STIFF = 0.3;

/** Standard errors of log Z that a bias may reach. */
const MOST_BIAS = 2;

/** Data in noise above which a start is not normal. */
export const NORMAL = 0.05;

/** Whether log Z can be trusted, and why or why not. */
export function trustIn(
  plan: CorrectorPlan,
  seen: Seen,
  standardError: number,
): Pick<CorrectorNormalizer, 'trusted' | 'reason'> {
  const doubt = doubtOf(plan, seen, standardError);
  return doubt === undefined
    ? { trusted: true, reason: limitOf(plan, seen) }
    : { trusted: false, reason: doubt };
}

function doubtOf(plan: CorrectorPlan, seen: Seen, standardError: number): string | undefined {
  const { weights, rule, tracked } = plan;
  const { finished, runaway, leastEss, largestWeight, uniqueAncestors, stability, leftPoint } = seen;
  if (!finished) return 'the run has not come to time 0';
  if (weights === 'none') return 'guidance without weights has no log Z';
  if (runaway.share > 0)
    return `${percent(runaway.share)} of the particles ran away at time ${short(runaway.time)}: the target may not exist`;
  if (leastEss.share < THIN)
    return `only ${percent(leastEss.share)} of the particles counted at time ${short(leastEss.time)}`;
  if (largestWeight > HEAVY) return `one particle holds ${percent(largestWeight)} of the weight`;
  if (uniqueAncestors < FEW_ANCESTORS)
    return `all particles descend from ${percent(uniqueAncestors)} of the first ones`;
  if (rule.kind === 'clocks') return 'birth and death by clocks give log Z to the order of one step at best';
  if (tracked)
    return 'log densities were tracked along the paths, which leaves a bias of the order of one step in them';
  const seenData = dataAtStart(plan);
  if (seenData > NORMAL)
    return `the start was taken for normal where data are ${percent(seenData)} of the noise; use prior: 'exact', or begin at more noise`;
  if (weights === 'left' && stability > STIFF)
    return `steps are too long (stability ${short(stability)} above ${STIFF}), so weights by the left point are biased`;
  if (weights === 'left' && Math.abs(leftPoint) > MOST_BIAS * standardError)
    return `weights by the left point bias log Z by about ${short(leftPoint)}, more than ${MOST_BIAS} standard errors of ${short(standardError)}; use more steps, richardson() or weights: 'exact'`;
  if (plan.experts.some(scoresUnknown))
    return 'scores are approximate, and their errors count in log Z twice over';
  return undefined;
}

function limitOf({ weights, control, prior }: CorrectorPlan, { leftPoint }: Seen): string {
  const fitted = control === 'linear' || control === 'affine';
  const start = prior === 'gaussian' ? 'a start taken for normal; ' : '';
  if (weights === 'left') {
    const size = Number.isNaN(leftPoint) ? '' : `, here about ${Number(leftPoint.toPrecision(2))}`;
    return `${start}weights by the left point: bias of the order of one step${size}, which a run of twice the steps would tell`;
  }
  return fitted
    ? 'weights are exact for any step; the fitted control leaves a bias of the order of 1 / particles'
    : 'weights are exact for any step, and exp(log Z) is unbiased';
}

/** Whether an expert is a network: what has a log density, or is a mixture, knows its scores. */
export function scoresUnknown({ logDensity, mixture }: Denoiser): boolean {
  return logDensity === undefined && mixture === undefined;
}

/** Variance of the data in that of the noise, where the run begins and takes it for normal; 0 where it does not. */
export function dataAtStart({ prior, experts, terms }: CorrectorPlan): number {
  if (prior === 'exact') return 0;
  const { signals, variances } = terms[0]!;
  return Math.max(...experts.map((expert, i) => (signals[i]! ** 2 * secondMomentOf(expert)) / variances[i]!));
}

export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}

export function short(x: number): string {
  return String(Number(x.toPrecision(3)));
}
