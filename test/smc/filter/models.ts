import type { Lookahead, Proposal, StateSpaceModel } from '../../../estimators/smc/state-space.ts';

/*
 * An autoregression seen with noise, x_0 ~ N(0, 1 / (1 - r^2)), x_t = r x_{t-1} + u_t, y_t = x_t + v_t, all unit normals:
 * written as a user would, without kernels.
 */
const R = 0.9;
const FIRST = 1 / (1 - R * R);
const LOG_ROOT_TWO_PI = 0.5 * Math.log(2 * Math.PI);

function logNormal(x: number, mean: number, variance: number): number {
  return -LOG_ROOT_TWO_PI - 0.5 * Math.log(variance) - (x - mean) ** 2 / (2 * variance);
}

/** out_i = f(i) */
function fill(out: Float64Array, f: (i: number) => number): void {
  for (let i = 0; i < out.length; i++) out[i] = f(i);
}

export const AUTOREGRESSION: StateSpaceModel = {
  dimension: 1,
  initial: (z, x) => fill(x, (i) => Math.sqrt(FIRST) * z[i]!),
  transition: (_, parent, z, x) => fill(x, (i) => R * parent[i]! + z[i]!),
  logObservation: (_, y, x, out) => fill(out, (i) => logNormal(y[0]!, x[i]!, 1)),
  logInitial: (x, out) => fill(out, (i) => logNormal(x[i]!, 0, FIRST)),
  logTransition: (_, parent, x, out) => fill(out, (i) => logNormal(x[i]!, R * parent[i]!, 1)),
};

/** The mean halfway to the observation, by two normals where one would do: the law is N((r x + y) / 2, 3/4). */
export const HALFWAY: Proposal = {
  noise: 2,
  initial: (y, z, x) => fill(x, (i) => y[0]! / 2 + draw(z, i)),
  logInitial: (y, x, out) => fill(out, (i) => logNormal(x[i]!, y[0]! / 2, 0.75)),
  transition: (_, y, parent, z, x) => fill(x, (i) => (R * parent[i]! + y[0]!) / 2 + draw(z, i)),
  logTransition: (_, y, parent, x, out) =>
    fill(out, (i) => logNormal(x[i]!, (R * parent[i]! + y[0]!) / 2, 0.75)),
};

function draw(z: Float64Array, i: number): number {
  return Math.sqrt(0.375) * (z[2 * i]! + z[2 * i + 1]!);
}

/** log p(y_{t+1} | x_t). */
export const FORESIGHT: Lookahead = (_, next, x, out) => fill(out, (i) => logNormal(next[0]!, R * x[i]!, 2));

/** Exact log p(y_0..y_{T-1}) by the scalar Kalman filter; null where y is missing. */
export function exactLogNormalizer(observations: readonly (number | null)[]): number {
  let total = 0;
  let mean = 0;
  let variance = FIRST;
  for (const [t, y] of observations.entries()) {
    if (t > 0) {
      mean *= R;
      variance = R * R * variance + 1;
    }
    if (y === null) continue;
    total += logNormal(y, mean, variance + 1);
    mean += (variance / (variance + 1)) * (y - mean);
    variance /= variance + 1;
  }
  return total;
}
