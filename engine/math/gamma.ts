/** Euler's constant. */
export const EULER_GAMMA = 0.5772156649015329;
/** Half the logarithm of 2 pi. */
export const HALF_LOG_TWO_PI = 0.9189385332046728;

/** zeta(k) - 1 for k = 2, 3, ... */
const ZETA_EXCESS = [
  0.6449340668482264, 0.2020569031595943, 0.08232323371113819, 0.03692775514336993, 0.01734306198444914,
  0.008349277381922827, 0.00407735619794434, 0.0020083928260822143, 0.0009945751278180853,
  0.0004941886041194645, 0.0002460865533080483, 0.00012271334757848915, 6.124813505870483e-5,
  3.058823630702049e-5, 1.528225940865187e-5, 7.637197637899763e-6, 3.81729326499984e-6, 1.908212716553939e-6,
  9.539620338727962e-7, 4.769329867878064e-7, 2.38450502727733e-7, 1.1921992596531106e-7,
  5.960818905125948e-8, 2.980350351465228e-8,
] as const;

/** Coefficients of 1/x, 1/x^3, ... in the Stirling error, B_2k / (2k (2k - 1)): DLMF 5.11.1. */
const STIRLING = [
  0.08333333333333333, -0.002777777777777778, 0.0007936507936507937, -0.0005952380952380953,
  0.0008417508417508417, -0.0019175269175269176, 0.00641025641025641, -0.029550653594771242,
] as const;

/** log Gamma(2 + h) for |h| <= 1/2, relative accuracy kept at the zero h = 0. DLMF 5.7.3. */
function logGammaNearTwo(h: number): number {
  let sum = 0;
  for (let i = ZETA_EXCESS.length - 1; i >= 0; i--) {
    const k = i + 2;
    sum = sum * -h + ZETA_EXCESS[i]! / k;
  }
  return h * (1 - EULER_GAMMA + h * sum);
}

/**
 * log Gamma(1 + h) for h > -1, relative accuracy kept at its zeros h = 0 and h = 1.
 * Source: DLMF 5.7.3 near the zeros, 5.5.1 (recurrence) and 5.11.1 (Stirling) elsewhere.
 */
export function logGamma1p(h: number): number {
  if (h >= -0.5 && h <= 0.5) return logGammaNearTwo(h) - Math.log1p(h);
  if (h > 0.5 && h <= 1.5) return logGammaNearTwo(h - 1);
  return logGamma(1 + h);
}

/**
 * log Gamma(x) for x > 0: relative error below 1e-14 (also at the zeros 1 and 2); Infinity at 0 and at
 * Infinity, NaN below 0. Source: as `logGamma1p`.
 */
export function logGamma(x: number): number {
  if (!(x > 0)) return x === 0 ? Infinity : Number.NaN;
  if (x === Infinity) return Infinity;
  if (x < 0.5) return logGammaNearTwo(x) - Math.log1p(x) - Math.log(x);
  if (x <= 1.5) return logGammaNearTwo(x - 1) - Math.log(x);
  if (x >= 10) return (x - 0.5) * Math.log(x) - x + HALF_LOG_TWO_PI + stirlingSeries(x);
  let product = 1;
  let reduced = x;
  while (reduced > 2.5) product *= --reduced;
  return Math.log(product) + logGammaNearTwo(reduced - 2);
}

function stirlingSeries(x: number): number {
  const z = 1 / (x * x);
  let sum = 0;
  for (let i = STIRLING.length - 1; i >= 0; i--) sum = sum * z + STIRLING[i]!;
  return sum / x;
}

/**
 * Error of Stirling's formula: log Gamma(x) - (x - 1/2) log x + x - log(2 pi)/2, for x > 0; absolute error
 * below 1e-15. What is left of log Gamma when the large terms of a density cancel by hand.
 * Source: DLMF 5.11.1; C. Loader, "Fast and accurate computation of binomial probabilities" (2000).
 */
export function stirlingError(x: number): number {
  if (x >= 10) return stirlingSeries(x);
  // log Gamma(x) = log Gamma(1 + x) - log x; for x < 10 all terms are of order 10 or less.
  return logGamma1p(x) - (x + 0.5) * Math.log(x) + x - HALF_LOG_TWO_PI;
}

/**
 * log Gamma(1 + 2h) - 2 log Gamma(1 + h), of order h^2 for small h, with relative accuracy: the log of the ratio
 * of the second moment to the squared mean of a Weibull law of shape 1/h. Needs h > 0.
 */
export function logGammaCurvature(h: number): number {
  if (h > 0.25) return logGamma1p(2 * h) - 2 * logGamma1p(h);
  // DLMF 5.7.3 with zeta(k) = 1 + excess: the ones sum to logarithms, the terms of order h cancel exactly.
  let sum = 0;
  for (let i = ZETA_EXCESS.length - 1; i >= 0; i--) {
    const k = i + 2;
    sum = sum * -h + (ZETA_EXCESS[i]! * (2 ** k - 2)) / k;
  }
  return h * h * sum + deviance(1 + 2 * h, 2 * h) - 2 * deviance(1 + h, h);
}

/**
 * r - 1 - log r for r > 0, of order (r - 1)^2 / 2 near 1, with relative accuracy.
 *
 * @param excess r - 1, given apart because the caller may know it to more digits.
 * Source: log r = 2 artanh((r - 1) / (r + 1)), DLMF 4.6.4 with 4.37.24.
 */
export function deviance(r: number, excess: number): number {
  const t = excess / (2 + excess);
  const z = t * t;
  if (!(z < 0.12)) return excess - Math.log(r);
  let power = z;
  let sum = 1 / 3;
  for (let k = 5; power > 1e-18; k += 2) {
    sum += power / k;
    power *= z;
  }
  return t * (excess - 2 * z * sum);
}
