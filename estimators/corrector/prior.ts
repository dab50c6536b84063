import { OptionError } from '../../engine/errors.ts';
import { type CorrectorPlan, WHERE } from './plan.ts';
import { precisionOf } from './terms.ts';

/*
 * Where particles begin: x ~ N(0, I / P) at the noisiest time T, P = sum b_i / v_i.
 *
 *   'gaussian'   q_i = N(0, v_i I):  log w = 0 and log Z_T = (d / 2) (log 2 pi / P - sum b_i log 2 pi v_i)
 *   'exact'      log w = sum b_i log q_i(x) + rho(x) - log N(x; 0, I / P)
 */

const LOG_TWO_PI = Math.log(2 * Math.PI);

/** The standard deviation of the start. */
export function startSpread({ terms }: Pick<CorrectorPlan, 'terms'>): number {
  const { exponents, variances } = terms[0]!;
  return 1 / Math.sqrt(precisionOf(exponents, variances));
}

/** log Z_T where every q_i is N(0, v_i I). */
function gaussianStart({ terms, dimension }: Pick<CorrectorPlan, 'terms' | 'dimension'>): number {
  const { exponents, variances } = terms[0]!;
  let sum = LOG_TWO_PI - Math.log(precisionOf(exponents, variances));
  for (const [i, b] of exponents.entries()) sum -= b * (LOG_TWO_PI + Math.log(variances[i]!));
  return 0.5 * dimension * sum;
}

/** log N(x; 0, s^2 I) of rows of x [n, d] less `logTarget` [n], turned round: log weights of the start into `out` [n]. */
function startWeights(x: Float64Array, logTarget: Float64Array, spread: number, out: Float64Array): void {
  const n = out.length;
  const d = x.length / n;
  const constant = d * (0.5 * LOG_TWO_PI + Math.log(spread));
  for (let i = 0; i < n; i++) {
    let square = 0;
    for (let c = i * d; c < (i + 1) * d; c++) square += x[c]! * x[c]!;
    out[i] = logTarget[i]! + constant + (0.5 * square) / (spread * spread);
  }
}

/** log gamma = sum b_i log q_i + rho of n particles into `out` [n]; densities [M, n], rho [n] or empty. */
export function logTargets(
  exponents: readonly number[],
  densities: Float64Array,
  tilt: Float64Array,
  out: Float64Array,
): void {
  const n = out.length;
  for (let i = 0; i < n; i++) {
    let sum = tilt.length > 0 ? tilt[i]! : 0;
    for (let e = 0; e < exponents.length; e++) sum += exponents[e]! * densities[e * n + i]!;
    out[i] = sum;
  }
}

/**
 * Log weights of the start x [n, d] into `out` [n], from log densities [M, n] and rho [n] (or empty) there.
 * @throws OptionError when a start taken for normal has a tilt.
 */
export function weighStart(
  plan: CorrectorPlan,
  spread: number,
  x: Float64Array,
  { densities, tilt }: { readonly densities: Float64Array; readonly tilt: Float64Array },
  out: Float64Array,
): void {
  const { prior, weights, terms, tilts } = plan;
  if (prior === 'gaussian' && tilts.length > 0) checkTiltAtStart(tilt, terms[0]!.time);
  if (weights === 'none') out.fill(0);
  else if (prior === 'gaussian') out.fill(gaussianStart(plan));
  else {
    logTargets(terms[0]!.exponents, densities, tilt, out);
    startWeights(x, out, spread, out);
  }
}

function checkTiltAtStart(tilt: Float64Array, time: number): void {
  const value = tilt.find((rho) => rho !== 0);
  if (value === undefined) return;
  throw new OptionError({
    where: WHERE,
    option: 'prior',
    value: 'gaussian',
    found: `option \`prior\` is 'gaussian', and the tilt is ${value} at the first time, ${time}`,
    expected: 'a tilt that begins at 0',
    fix: 'Use a ramp that is 0 at the noisiest time, such as 1 - t / end.',
  });
}
