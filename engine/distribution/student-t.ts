import { betaLogOdds } from '../math/beta-quantile.ts';
import { betaConstant, betaLower, logBeta, logBetaKernel } from '../math/incomplete-beta.ts';
import { normalQuantile } from '../wasm/twins/normal.ts';
import { checkParameter, checkScale, endpoint, type Law } from './law.ts';

/** Quantile of the standard t law at a lower tail probability p <= 1/2. */
function lowerQuantile(degrees: number): (p: number) => number {
  const solve = betaLogOdds(degrees / 2, 0.5);
  return (p) => {
    if (p === 0.5) return 0;
    // Start by Wallace's normal approximation (1959), z^2 = v log(1 + t^2 / v) up to a factor near 1.
    const z = (normalQuantile(p) * (8 * degrees + 3)) / (8 * degrees + 1);
    const square = (z * z) / degrees;
    const start = degrees >= 1 && square < 600 ? -Math.log(Math.expm1(square)) : undefined;
    return -Math.sqrt(degrees) * Math.exp(-0.5 * solve(2 * p, 1 - 2 * p, start));
  };
}

/**
 * Student's t law with `degrees` > 0 (not only integers) of freedom, shifted and scaled.
 * Mean NaN for degrees <= 1; variance Infinity for 1 < degrees <= 2, NaN for degrees <= 1.
 * P(T < -t) = I_x(degrees / 2, 1/2) / 2 with x = degrees / (degrees + t^2): DLMF 8.17.
 * Standardised values above 1e150 in size count as infinite (their squares overflow), which only degrees below 0.2 reach.
 * @throws OptionError unless degrees and scale are finite and above 0 and location is finite.
 */
export function studentT(degrees: number, location = 0, scale = 1): Law {
  checkScale('studentT', 'degrees', degrees);
  checkParameter('studentT', 'location', location);
  checkScale('studentT', 'scale', scale);
  const half = degrees / 2;
  const constant = betaConstant(half, 0.5);
  const solve = lowerQuantile(degrees);
  const lower = (t: number): number => {
    const r = (t / degrees) * t;
    const [x, y] = [1 / (1 + r), r / (1 + r)];
    const tail = 0.5 * betaLower(half, 0.5, x, y, logBetaKernel(half, 0.5, x, y, constant));
    return t < 0 ? tail : 1 - tail;
  };
  const level = -Math.log(scale) - logBeta(half, 0.5) - 0.5 * Math.log(degrees);
  const logDensity = (x: number): number => {
    const z = (x - location) / scale;
    return level - (half + 0.5) * Math.log1p((z / degrees) * z);
  };
  const at = (p: number, q: number): number =>
    p <= q ? location + scale * solve(p) : location - scale * solve(q);
  return {
    name: 'studentT',
    parameters: { degrees, location, scale },
    discrete: false,
    support: [-Infinity, Infinity],
    mean: degrees > 1 ? location : Number.NaN,
    variance: degrees > 2 ? scale * scale * (degrees / (degrees - 2)) : degrees > 1 ? Infinity : Number.NaN,
    logDensity,
    cdf: (x) => lower((x - location) / scale),
    survival: (x) => lower((location - x) / scale),
    quantile: (p) => (p > 0 && p < 1 ? at(p, 1 - p) : endpoint(p, -Infinity, Infinity)),
    survivalQuantile: (q) => (q > 0 && q < 1 ? at(1 - q, q) : endpoint(q, Infinity, -Infinity)),
    describe: () => `Student t, ${degrees} degrees of freedom, location ${location}, scale ${scale}`,
  };
}
