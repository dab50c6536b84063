import { betaLogOdds } from '../math/beta-quantile.ts';
import { betaConstant, betaLower, logBetaKernel } from '../math/incomplete-beta.ts';
import { checkParameter, checkScale, endpoint, type Law, outside } from './law.ts';

/**
 * Beta law on [low, high]: density proportional to (x - low)^(alpha - 1) (high - x)^(beta - 1).
 * @throws OptionError unless alpha and beta are finite and above 0 and low < high are finite.
 */
export function beta(alpha: number, beta: number, low = 0, high = 1): Law {
  checkScale('beta', 'alpha', alpha);
  checkScale('beta', 'beta', beta);
  checkParameter('beta', 'low', low);
  const reachable = (x: number): boolean => x > low && Number.isFinite(x - low);
  checkParameter('beta', 'high', high, reachable, `a finite number above low = ${low}`);
  const width = high - low;
  const total = alpha + beta;
  const constant = betaConstant(alpha, beta);
  const solve = betaLogOdds(alpha, beta);
  // From the nearer end, so that neither end loses digits.
  const place = (u: number): number =>
    u < 0 ? low + width / (1 + Math.exp(-u)) : high - width / (1 + Math.exp(u));
  const logDensity = (x: number): number => {
    if (!(x >= low && x <= high)) return outside(x);
    const [a, b] = [(x - low) / width, (high - x) / width];
    if (a === 0) return atEnd(alpha, beta, width);
    if (b === 0) return atEnd(beta, alpha, width);
    return logBetaKernel(alpha, beta, a, b, constant) - Math.log(a) - Math.log(b) - Math.log(width);
  };
  const tail = (x: number, upper: boolean): number => {
    const [a, b] = [(x - low) / width, (high - x) / width];
    const kernel = logBetaKernel(alpha, beta, a, b, constant);
    return upper ? betaLower(beta, alpha, b, a, kernel) : betaLower(alpha, beta, a, b, kernel);
  };
  return {
    name: 'beta',
    parameters: { alpha, beta, low, high },
    discrete: false,
    support: [low, high],
    mean: low + width * (alpha / total),
    variance: (width * width * (alpha / total) * (beta / total)) / (total + 1),
    logDensity,
    cdf: (x) => tail(x, false),
    survival: (x) => tail(x, true),
    quantile: (p) => (p > 0 && p < 1 ? place(solve(p, 1 - p)) : endpoint(p, low, high)),
    survivalQuantile: (q) => (q > 0 && q < 1 ? place(solve(1 - q, q)) : endpoint(q, high, low)),
    describe: () => `beta on [${low}, ${high}], alpha ${alpha}, beta ${beta}`,
  };
}

/** log density at the end where the exponent is `near` - 1. */
function atEnd(near: number, far: number, width: number): number {
  return near === 1 ? Math.log(far / width) : near < 1 ? Infinity : -Infinity;
}
