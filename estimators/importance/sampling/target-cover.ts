import type { Density, Warning } from '../../../engine/types.ts';
import type { PointFunction } from '../weighted/point-functions.ts';
import { lacksMass, type WeightedPoints } from '../weighted/weighted-means.ts';
import type { Target } from './target.ts';

/** Points of the target at which a proposal is asked whether it ever goes there. */
const PROBES = 1024;

/** What a proposal leaves out of a target. */
export interface TargetCover {
  /** Share of the target where the proposal has no density. */
  readonly missing: number;
  /** Whether the mean weight of a target called normalised is not 1. */
  readonly off: boolean;
  /** Whether the mean of a function is known to need what is left out, may need it, or does not. */
  needs(one: PointFunction): 'yes' | 'perhaps' | 'no';
}

/**
 * A target that can be drawn from is probed at points of its own: where they have no density under the proposal, weights
 * tell of nothing. Of a log density that is said to be normalised, the mean weight has to be 1.
 * @param options.plain whether a mean needs the target only where its function is not 0: plain weights.
 * @param options.local whether functions can be asked at the probes: no model is in them.
 */
export function targetCover(
  { law, normalised }: Target,
  proposal: Density,
  points: WeightedPoints,
  { plain, local }: { readonly plain: boolean; readonly local: boolean },
): TargetCover {
  const outside = law === undefined ? [] : pointsOutside(law, proposal);
  const off = law === undefined && normalised && lacksMass(points);
  const none = new Float64Array(0);
  return {
    missing: outside.length / PROBES,
    off,
    needs(one) {
      if (off) return 'perhaps';
      if (outside.length === 0) return 'no';
      if (!plain) return 'yes';
      if (!local) return 'perhaps';
      return outside.some((x) => one.at(none, x) !== 0) ? 'yes' : 'no';
    },
  };
}

/** Of the probes of a law, those where another law has no density. */
function pointsOutside(law: Density, other: Density): readonly Float64Array[] {
  const { dimension: d } = law;
  const x = probes(d);
  law.transport(x, x);
  const own = new Float64Array(PROBES);
  const there = new Float64Array(PROBES);
  law.logDensity(x, own);
  other.logDensity(x, there);
  const rows = Array.from({ length: PROBES }, (_, i) => i);
  return rows
    .filter((i) => own[i]! > -Infinity && there[i] === -Infinity)
    .map((i) => x.slice(i * d, (i + 1) * d));
}

/** Points [n, d] of the cube by multiples of the powers of 1 / g, g^(d + 1) = g + 1: even, with no two columns alike. */
function probes(d: number): Float64Array {
  let g = 2;
  for (let round = 0; round < 64; round++) g = (1 + g) ** (1 / (d + 1));
  return Float64Array.from({ length: PROBES * d }, (_, at) => {
    const [i, c] = [Math.floor(at / d), at % d];
    return (0.5 + (((i + 1) * g ** -(c + 1)) % 1)) % 1 || 0.5;
  });
}

/** The warning of a proposal that leaves something out, or of a target that is not normalised. */
export function coverWarning({ missing, off }: TargetCover, logMass: number): Warning[] {
  if (!off && missing === 0) return [];
  const message = off
    ? `The mean weight is ${Math.exp(logMass).toPrecision(4)}, and of a normalised target it would be 1: the target is not normalised, or the proposal misses some of it. No interval is given. Say normalised: false, or use a wider proposal.`
    : `The proposal has no density on ${(100 * missing).toPrecision(2)} % of the target: what lies there counts as 0. Means that may need it have no interval, and those that surely do no value. Use a wider proposal (defensive: 0.1).`;
  return [
    { code: 'mass-missing', message, value: off ? Math.exp(logMass) : missing, threshold: off ? 1 : 0 },
  ];
}
