import { checkParameter, checkScale, endpoint, type Law, outside } from './law.ts';

/**
 * Log-uniform law: log X is uniform on [log low, log high]; density 1 / (x log(high / low)).
 * @throws OptionError unless 0 < low < high, both finite.
 */
export function logUniform(low: number, high: number): Law {
  checkScale('logUniform', 'low', low);
  checkParameter('logUniform', 'high', high, (x) => x > low, `a finite number above low = ${low}`);
  // log(a / b) as log1p((a - b) / b): exact differences keep the digits of a narrow interval.
  const width = Math.log1p((high - low) / low);
  const mean = (high - low) / width;
  const clamp = (x: number): number => Math.min(high, Math.max(low, x));
  const share = (x: number): number => Math.min(1, Math.max(0, x / width));
  return {
    name: 'logUniform',
    parameters: { low, high },
    discrete: false,
    support: [low, high],
    mean,
    variance: variance(low, high, width),
    logDensity: (x) => (x >= low && x <= high ? -Math.log(x) - Math.log(width) : outside(x)),
    cdf: (x) => (x <= low ? 0 : x >= high ? 1 : share(Math.log1p((x - low) / low))),
    survival: (x) => (x <= low ? 1 : x >= high ? 0 : share(Math.log1p((high - x) / x))),
    quantile: (p) => (p > 0 && p < 1 ? clamp(low * Math.exp(width * p)) : endpoint(p, low, high)),
    survivalQuantile: (q) => (q > 0 && q < 1 ? clamp(high * Math.exp(-width * q)) : endpoint(q, high, low)),
    describe: () => `log-uniform on [${low}, ${high}]`,
  };
}

/** (high^2 - low^2) / (2 w) - mean^2 = mean (high + low) / 2 (1 - tanh(w / 2) / (w / 2)), w = log(high / low). */
function variance(low: number, high: number, width: number): number {
  const h = width / 2;
  // 1 - tanh(h) / h = h^2 / 3 - 2 h^4 / 15 + 17 h^6 / 315 - ...; the next term is below 1e-13 of the sum at 0.01.
  const gap = h < 0.01 ? h * h * (1 / 3 - h * h * (2 / 15 - (h * h * 17) / 315)) : 1 - Math.tanh(h) / h;
  return ((((high - low) / width) * (high + low)) / 2) * gap;
}
