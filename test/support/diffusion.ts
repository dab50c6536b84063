import type { OpenDenoiser } from '../../engine/diffusion/denoiser.ts';
import { type Grid, gridPoint } from '../../engine/diffusion/grid.ts';
import type { NoiseSchedule } from '../../engine/diffusion/schedule.ts';
import { rectifiedFlow, veLinear, vpCosine, vpLinear } from '../../engine/diffusion/schedules.ts';

export type Points = readonly (readonly number[])[];

/** A mixture of test/reference/integrators.json. */
export interface ReferenceMixture {
  readonly weights: readonly number[];
  readonly means: Points;
  readonly covariances: readonly Points[];
}

/** A problem of test/reference/integrators.json. */
export interface Problem {
  readonly id: string;
  readonly gmm: ReferenceMixture;
  readonly schedule: { readonly type: string };
  readonly grid: {
    readonly t: readonly number[];
    readonly lambda: readonly number[];
    readonly alpha: readonly number[];
    readonly sigma: readonly number[];
  };
  readonly x_start: Points;
  readonly exact_flow_end: Points;
  readonly solvers: readonly {
    readonly id: string;
    readonly nfe: number;
    readonly x_end: Points;
    readonly path_point0?: Points;
  }[];
}

const SCHEDULES: Readonly<Record<string, () => NoiseSchedule>> = {
  'vp-linear': vpLinear,
  'vp-cosine': vpCosine,
  ve: veLinear,
  rf: rectifiedFlow,
};

/** The grid of a problem, with its numbers as they are. */
export function problemGrid({ schedule, grid }: Problem): Grid {
  const points = grid.t.map((time, i) => ({
    time,
    signal: grid.alpha[i]!,
    noise: grid.sigma[i]!,
    logSnr: grid.lambda[i]!,
  }));
  return { name: 'reference', schedule: SCHEDULES[schedule.type]!(), points };
}

/** The grid of some times. */
export function gridAt(schedule: NoiseSchedule, times: readonly number[]): Grid {
  return { name: 'reference', schedule, points: times.map((time) => gridPoint(schedule, time)) };
}

/** A mixture in two dimensions by formulas written out here, as an open denoiser. */
export function mixtureStub(gmm: ReferenceMixture, schedule: NoiseSchedule): OpenDenoiser {
  let evaluations = 0;
  const denoiser: Pick<OpenDenoiser, 'dimension' | 'schedule' | 'evaluations' | 'evaluate' | 'dispose'> = {
    dimension: 2,
    schedule,
    get evaluations() {
      return evaluations;
    },
    async evaluate(x, time, n, { clean, noise, score }) {
      evaluations += n;
      for (let i = 0; i < n; i++) {
        const t = typeof time === 'number' ? time : time[i]!;
        const { signal, noise: sigma } = gridPoint(schedule, t);
        const z = x.subarray(2 * i, 2 * i + 2);
        const mean = cleanMean(gmm, z, signal, sigma);
        for (const c of [0, 1]) {
          const e = (z[c]! - signal * mean[c]!) / sigma;
          if (clean !== undefined) clean[2 * i + c] = mean[c]!;
          if (noise !== undefined) noise[2 * i + c] = e;
          if (score !== undefined) score[2 * i + c] = -e / sigma;
        }
      }
    },
    dispose() {},
  };
  return denoiser as OpenDenoiser;
}

/** E[x_0 given x] of a mixture of normal laws in two dimensions. */
export function cleanMean(
  gmm: ReferenceMixture,
  x: Float64Array,
  alpha: number,
  sigma: number,
): [number, number] {
  let [top, total, first, second] = [-Infinity, 0, 0, 0];
  for (let k = 0; k < gmm.weights.length; k++) {
    const [m0, m1] = gmm.means[k] as readonly [number, number];
    const [[s00, s01], [, s11]] = gmm.covariances[k] as unknown as [[number, number], [number, number]];
    const a = alpha * alpha * s00 + sigma * sigma;
    const b = alpha * alpha * s01;
    const c = alpha * alpha * s11 + sigma * sigma;
    const det = a * c - b * b;
    const r0 = x[0]! - alpha * m0;
    const r1 = x[1]! - alpha * m1;
    const q0 = (c * r0 - b * r1) / det;
    const q1 = (a * r1 - b * r0) / det;
    const log = Math.log(gmm.weights[k]!) - 0.5 * Math.log(det) - 0.5 * (r0 * q0 + r1 * q1);
    const shrink = log > top ? Math.exp(top - log) : 1;
    top = Math.max(top, log);
    const weight = Math.exp(log - top);
    total = total * shrink + weight;
    first = first * shrink + weight * (m0 + alpha * (s00 * q0 + s01 * q1));
    second = second * shrink + weight * (m1 + alpha * (s01 * q0 + s11 * q1));
  }
  return [first / total, second / total];
}
