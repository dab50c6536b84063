import { largestWeight } from '../../../engine/particles/log-weight.ts';
import type { Warning } from '../../../engine/types.ts';
import { NO_INTERVAL } from '../weighted/weighted-functionals.ts';
import {
  coversWhole,
  HEAVIEST,
  lacksMass,
  logNormalizerOf,
  tells,
  type WeightedMean,
  type WeightedPoints,
} from '../weighted/weighted-means.ts';

/** How far a law is from points that are weighted for it. */
export interface LawReach {
  /** Pareto shape of the weights at most 0.7, 50 and more of them in effect, and no mass missing: errors hold. */
  readonly near: boolean;
  /** False where the values would rest on next to no weight, or on a part of the law. */
  readonly told: boolean;
  readonly ess: number;
  readonly paretoShape: number;
  readonly largestShare: number;
  /** Mean weight. */
  readonly mass: number;
}

/** @param normalised whether weights are ratios of normalised densities, so that their mean is 1. */
export function reachOf(points: WeightedPoints, normalised: boolean): LawReach {
  const { ess, paretoShape, value } = logNormalizerOf(points, 0.95);
  const sizes = { ess, paretoShape, largestShare: largestWeight(points.logWeight) };
  const told = tells(sizes) && !(normalised && lacksMass(points));
  const near = told && coversWhole(sizes, points.logWeight.length) && paretoShape <= HEAVIEST;
  return { near, told, ...sizes, mass: Math.exp(value) };
}

/** An estimate as far as the weights allow it. */
export function shownAt<T extends WeightedMean>(found: T, { near, told }: LawReach): T {
  if (near) return found;
  const status = found.status === 'unseen' ? found.status : 'heavy';
  return { ...found, ...NO_INTERVAL, status, ...(told ? {} : { value: Number.NaN }) };
}

/** The warning of a law that is too far from the points. */
export function tooFar(name: string, { told, ess, paretoShape, mass }: LawReach): Warning {
  const few = `${ess.toPrecision(2)} points count in effect`;
  const why = Number.isNaN(paretoShape)
    ? 'no point has weight'
    : paretoShape > HEAVIEST
      ? `Pareto k ${paretoShape.toPrecision(2)}, usable up to ${HEAVIEST}; ${few}`
      : told
        ? few
        : `${few}, and the mean weight is ${mass.toPrecision(3)} instead of 1`;
  return {
    code: 'pareto-k',
    message: `${name}: too far from the law of the points (${why}), so it has no ${told ? 'interval' : 'estimate'}. Run the model under a law nearer to it, or with expectations({ laws }).`,
    value: paretoShape,
    threshold: HEAVIEST,
  };
}
