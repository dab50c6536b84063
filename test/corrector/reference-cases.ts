import { readFileSync } from 'node:fs';
import {
  type CorrectorTarget,
  type Denoiser,
  linearReward,
  mixtureDenoiser,
  type NoiseSchedule,
  quadraticReward,
  type Reward,
  reward,
  veGeometric,
  vpLinear,
} from '../../estimators/index.ts';

interface Pointwise {
  readonly t: number;
  readonly x: readonly number[];
  readonly logq: readonly number[];
  readonly scores: readonly (readonly number[])[];
  readonly rho: number;
  readonly logGamma: number;
  readonly targetScore: readonly number[];
  readonly drift_a2_eq_g2: readonly number[];
  readonly weightRate_g: number;
  readonly linearControl_h: number;
}

interface Trace {
  readonly steps: number;
  readonly noiseRatio_a2_over_g2: number;
  readonly xStart: readonly (readonly number[])[];
  readonly xEnd: readonly (readonly number[])[];
  readonly logW: readonly number[];
}

interface MonteCarlo {
  readonly singleRunTolerance: readonly number[];
  readonly logZtolerance: number;
}

interface Tilt {
  readonly kind: 'linear' | 'quadratic' | 'tanh';
  readonly c?: readonly number[];
  readonly A?: readonly (readonly number[])[];
  readonly m?: readonly number[];
  readonly k?: number;
  readonly q?: readonly number[];
}

export interface ReferenceCase {
  readonly id: string;
  readonly dimension: number;
  readonly schedule: { readonly type: 'VP' | 'VE' };
  readonly experts: readonly {
    readonly weights: readonly number[];
    readonly means: readonly (readonly number[])[];
    readonly covs: readonly (readonly (readonly number[])[])[];
  }[];
  readonly exponents: readonly number[];
  readonly tilt: Tilt | null;
  readonly exact: {
    readonly logZ: number;
    readonly marginalMasses: readonly { readonly coord: number; readonly cuts: readonly number[] }[];
  };
  readonly quantityNames: readonly string[];
  readonly exactVector: readonly number[];
  readonly pointwise: readonly Pointwise[];
  readonly traces: readonly Trace[];
  readonly monteCarlo: {
    readonly standard: MonteCarlo;
    readonly linear: MonteCarlo;
    readonly naive: { readonly sdPerRun: readonly number[] };
  };
}

const path = new URL('../reference/fkc.json', import.meta.url);
export const CASES: readonly ReferenceCase[] = JSON.parse(readFileSync(path, 'utf8')).cases;

export function caseOf(id: string): ReferenceCase {
  return CASES.find((each) => each.id === id)!;
}

export function scheduleOf({ schedule }: ReferenceCase): NoiseSchedule {
  return schedule.type === 'VP' ? vpLinear() : veGeometric({ smallest: 0.01, largest: 10 });
}

export function expertsOf(each: ReferenceCase): readonly Denoiser[] {
  const schedule = scheduleOf(each);
  return each.experts.map(({ weights, means, covs }) =>
    mixtureDenoiser({ weights, means, covariances: covs }, schedule),
  );
}

export function targetOf(each: ReferenceCase): CorrectorTarget {
  const plain = { experts: expertsOf(each), exponents: each.exponents };
  return each.tilt === null ? plain : reward(plain, rewardOf(each.tilt));
}

function rewardOf({ kind, c, A, m, k, q }: Tilt): Reward {
  if (kind === 'linear') return linearReward(c!);
  if (kind === 'quadratic') return quadraticReward(m!, A!);
  // k tanh(q x) in one dimension.
  const slope = q![0]!;
  const value = (x: Float64Array, out: Float64Array): void => {
    for (let i = 0; i < out.length; i++) out[i] = k! * Math.tanh(slope * x[i]!);
  };
  return {
    value,
    gradient(x, out, gradient) {
      value(x, out);
      for (let i = 0; i < out.length; i++) gradient[i] = (k! * slope) / Math.cosh(slope * x[i]!) ** 2;
    },
  };
}

/** The quantities of a case from a weighted sample, in the order of `exactVector`. */
export function quantities(each: ReferenceCase, points: Float64Array, weight: Float64Array): number[] {
  const d = each.dimension;
  const average = (f: (at: number) => number): number => {
    let sum = 0;
    for (let i = 0; i < weight.length; i++) sum += weight[i]! * f(i * d);
    return sum;
  };
  const mean = Array.from({ length: d }, (_, c) => average((at) => points[at + c]!));
  const covariance: number[] = [];
  for (let r = 0; r < d; r++)
    for (let c = r; c < d; c++)
      covariance.push(average((at) => (points[at + r]! - mean[r]!) * (points[at + c]! - mean[c]!)));
  const masses = each.exact.marginalMasses.flatMap(({ coord, cuts }) => {
    const edges = [-Infinity, ...cuts, Infinity];
    return edges
      .slice(1)
      .map((high, j) =>
        average((at) => (points[at + coord]! > edges[j]! && points[at + coord]! <= high ? 1 : 0)),
      );
  });
  return [...mean, ...covariance, ...masses];
}
