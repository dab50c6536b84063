import type { Density } from '../../../engine/types.ts';

/*
 * Points of several stages, each drawn from its own law, weighted as if all came from one mixture:
 *
 *   w(x) = f(x) / h(x),  h = sum_t n_t q_t / n
 *
 * the balance heuristic (Veach & Guibas 1995), or deterministic mixture weights (Owen & Zhou 2000). Weighting a point by
 * the law of its own stage alone lets a single point of a poor early stage outweigh all others.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | x_i | x | [n, d] |
 * | log f(x_i) | logTarget | [n] |
 * | log sum_t n_t q_t(x_i) | logMixture | [n] |
 */

/** Immutable; what `extended` returns shares nothing with what it was given. */
export interface BalanceHistory {
  readonly dimension: number;
  readonly x: Float64Array;
  readonly logTarget: Float64Array;
  readonly logMixture: Float64Array;
  readonly stages: readonly { readonly law: Density; readonly points: number }[];
}

export function emptyHistory(dimension: number): BalanceHistory {
  const none = new Float64Array(0);
  return { dimension, x: none, logTarget: none, logMixture: none, stages: [] };
}

/** A history with one more stage: x [n, d] drawn from `law`. Costs a density of `law` at all points, and of all laws at x. */
export function extended(
  history: BalanceHistory,
  law: Density,
  x: Float64Array,
  logTarget: Float64Array,
): BalanceHistory {
  const points = logTarget.length;
  const old = new Float64Array(history.logTarget.length);
  law.logDensity(history.x, old);
  const logMixture = joined(history.logMixture, new Float64Array(points).fill(-Infinity));
  for (let i = 0; i < old.length; i++) logMixture[i] = logAdd(logMixture[i]!, Math.log(points) + old[i]!);
  const own = new Float64Array(points);
  for (const stage of [...history.stages, { law, points }]) {
    stage.law.logDensity(x, own);
    for (let i = 0; i < points; i++) {
      const at = old.length + i;
      logMixture[at] = logAdd(logMixture[at]!, Math.log(stage.points) + own[i]!);
    }
  }
  return {
    dimension: history.dimension,
    x: joined(history.x, x),
    logTarget: joined(history.logTarget, logTarget),
    logMixture,
    stages: [...history.stages, { law, points }],
  };
}

/** [n] log f - log h of all points. */
export function balanceLogWeight({ logTarget, logMixture }: BalanceHistory): Float64Array {
  const logCount = Math.log(logTarget.length);
  return logTarget.map((log, i) => (log === -Infinity ? log : log - logMixture[i]! + logCount));
}

/** a and then b, as one new array. */
export function joined(a: Float64Array, b: Float64Array): Float64Array {
  const out = new Float64Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

function logAdd(a: number, b: number): number {
  if (a === -Infinity) return b;
  if (b === -Infinity) return a;
  return Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
}
