import type { OpenDenoiser } from '../../engine/diffusion/denoiser.ts';
import type { Grid, GridPoint } from '../../engine/diffusion/grid.ts';
import type { NoiseSchedule } from '../../engine/diffusion/schedule.ts';

/** A problem of test/reference/integrators.json. */
export interface Problem {
  readonly id: string;
  readonly gmm: {
    readonly weights: readonly number[];
    readonly means: readonly (readonly number[])[];
    readonly covariances: readonly (readonly (readonly number[])[])[];
  };
  readonly grid: {
    readonly t: readonly number[];
    readonly lambda: readonly number[];
    readonly alpha: readonly number[];
    readonly sigma: readonly number[];
  };
  readonly x_start: readonly (readonly number[])[];
  readonly exact_flow_end: readonly (readonly number[])[];
  readonly solvers: readonly {
    readonly id: string;
    readonly nfe: number;
    readonly x_end: readonly (readonly number[])[];
    readonly path_point0?: readonly (readonly number[])[];
  }[];
}

/** The grid of a problem, and its mixture in two dimensions as an open denoiser. */
export function mixtureStub({ gmm, grid }: Problem): {
  readonly grid: Grid;
  readonly denoiser: OpenDenoiser;
} {
  const points = grid.t.map(
    (time, i): GridPoint => ({
      time,
      signal: grid.alpha[i]!,
      noise: grid.sigma[i]!,
      logSnr: grid.lambda[i]!,
    }),
  );
  const at = (time: number): GridPoint => points.find((p) => p.time === time)!;
  const denoiser = {
    dimension: 2,
    evaluations: 0,
    async evaluate(x, time, n, { clean, noise }) {
      for (let i = 0; i < n; i++) {
        const t = typeof time === 'number' ? time : time[i]!;
        const { signal, noise: sigma } = at(t);
        const z = x.subarray(2 * i, 2 * i + 2);
        const mean = cleanMean(gmm, z, signal, sigma);
        clean?.set(mean, 2 * i);
        noise?.set(
          mean.map((m, c) => (z[c]! - signal * m) / sigma),
          2 * i,
        );
      }
    },
    dispose() {},
  } as Pick<OpenDenoiser, 'dimension' | 'evaluations' | 'evaluate' | 'dispose'>;
  return {
    grid: { name: 'reference', schedule: {} as NoiseSchedule, points },
    denoiser: denoiser as OpenDenoiser,
  };
}

/** E[x_0 given x] of a mixture of normal laws in two dimensions. */
function cleanMean(gmm: Problem['gmm'], x: Float64Array, alpha: number, sigma: number): number[] {
  const logs: number[] = [];
  const means: number[][] = [];
  gmm.weights.forEach((weight, k) => {
    const [m0, m1] = gmm.means[k]! as [number, number];
    const [[s00, s01], [, s11]] = gmm.covariances[k] as unknown as [[number, number], [number, number]];
    const a = alpha * alpha * s00 + sigma * sigma;
    const b = alpha * alpha * s01;
    const c = alpha * alpha * s11 + sigma * sigma;
    const det = a * c - b * b;
    const r0 = x[0]! - alpha * m0;
    const r1 = x[1]! - alpha * m1;
    const q0 = (c * r0 - b * r1) / det;
    const q1 = (a * r1 - b * r0) / det;
    logs.push(Math.log(weight) - 0.5 * Math.log(det) - 0.5 * (r0 * q0 + r1 * q1));
    means.push([m0 + alpha * (s00 * q0 + s01 * q1), m1 + alpha * (s01 * q0 + s11 * q1)]);
  });
  const top = Math.max(...logs);
  const weights = logs.map((log) => Math.exp(log - top));
  const total = weights.reduce((sum, w) => sum + w, 0);
  return [0, 1].map((c) => means.reduce((sum, mean, k) => sum + (weights[k]! / total) * mean[c]!, 0));
}
