/*
 * Exact asymptotic variances of a bootstrap filter that resamples multinomially at every step, for the scalar model
 * x_t = rho x_{t-1} + N(0, Q), y_t = x_t + N(0, R):
 *
 *   N Var(log Z)            -> sum_t ( E[h_t^2] / E[h_t]^2 - 1 )
 *   N Var(last mean)        -> sum_t E[h_t^2 (m_t - m)^2] / E[h_t]^2
 *
 * over the predictive law of x_t given y_0..y_{t-1}, with h_t(x) = p(y_t..y_{T-1} | x_t = x), m_t(x) the mean of
 * x_{T-1} given x_t = x and y_t..y_{T-1}, and m the last filtered mean. All are Gaussian integrals. Source: Chopin
 * (2004), "Central limit theorem for sequential Monte Carlo methods", theorem 1.
 */
export interface ScalarModel {
  readonly rho: number;
  readonly transitionVariance: number;
  readonly observationVariance: number;
  readonly initialVariance: number;
}

/** A law N(mean, variance). */
interface Normal {
  readonly mean: number;
  readonly variance: number;
}

/** exp(c + b x - a x^2 / 2) */
interface Likelihood {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** @returns N Var(log Z) and N Var(last filtered mean). */
export function asymptoticVariance(model: ScalarModel, y: readonly number[]): { logZ: number; mean: number } {
  const { rho, transitionVariance: q, observationVariance: r } = model;
  const { predictive, last } = forward(model, y);
  let h: Likelihood = { a: 0, b: 0, c: 0 };
  // m_t(x) = slope x + shift
  let slope = 1;
  let shift = 0;
  const total = { logZ: 0, mean: 0 };
  for (let t = y.length - 1; t >= 0; t--) {
    if (t < y.length - 1) {
      const spread = 1 + h.a * q;
      shift += (slope * h.b * q) / spread;
      slope *= rho / spread;
      const c = h.c - Math.log(spread) / 2 + (h.b * h.b * q) / 2 / spread;
      h = { a: (h.a * rho * rho) / spread, b: (h.b * rho) / spread, c };
    }
    h = { a: h.a + 1 / r, b: h.b + y[t]! / r, c: h.c - (y[t]! * y[t]!) / 2 / r };
    const single = integrate(predictive[t]!, h);
    const double = integrate(predictive[t]!, { a: 2 * h.a, b: 2 * h.b, c: 2 * h.c });
    const ratio = Math.exp(double.log - 2 * single.log);
    total.logZ += ratio - 1;
    total.mean += ratio * ((slope * double.law.mean + shift - last) ** 2 + slope ** 2 * double.law.variance);
  }
  return total;
}

/** Kalman: the laws of x_t given y_0..y_{t-1}, and the last filtered mean. */
function forward(model: ScalarModel, y: readonly number[]): { predictive: Normal[]; last: number } {
  const { rho, transitionVariance, observationVariance, initialVariance } = model;
  const predictive: Normal[] = [];
  let mean = 0;
  let variance = initialVariance;
  for (const [t, observed] of y.entries()) {
    if (t > 0) {
      mean *= rho;
      variance = rho * rho * variance + transitionVariance;
    }
    predictive.push({ mean, variance });
    const gain = variance / (variance + observationVariance);
    mean += gain * (observed - mean);
    variance *= 1 - gain;
  }
  return { predictive, last: mean };
}

/** log of the integral of a likelihood over a law, and the law it tilts to. */
function integrate({ mean, variance }: Normal, { a, b, c }: Likelihood): { log: number; law: Normal } {
  const spread = 1 + a * variance;
  return {
    log: c - Math.log(spread) / 2 + ((b * b * variance) / 2 + b * mean - (a * mean * mean) / 2) / spread,
    law: { mean: (mean + b * variance) / spread, variance: variance / spread },
  };
}
