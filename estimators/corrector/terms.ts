import type { NoiseSchedule } from '../../engine/diffusion/schedule.ts';

/*
 * What the formula needs of the schedules at one time of the grid.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | h = t_k - t_(k+1) | step | |
 * | b_i, B | exponents, total | [M] |
 * | db_i / d tau, tau = -t | exponentRates, over the step | [M] |
 * | f_i, g_i^2, alpha_i, v_i | drifts, diffusions, signals, variances | [M] |
 * | f, g of the first expert | drift, diffusion | |
 * | a^2 | noise, a variance per unit of time | |
 */

export interface StepTerms {
  readonly index: number;
  readonly time: number;
  readonly step: number;
  readonly exponents: readonly number[];
  readonly total: number;
  readonly exponentRates: readonly number[];
  readonly drifts: readonly number[];
  readonly diffusions: readonly number[];
  readonly signals: readonly number[];
  readonly variances: readonly number[];
  readonly drift: number;
  readonly diffusion: number;
  readonly noise: number;
}

export interface TermsSource {
  readonly schedules: readonly NoiseSchedule[];
  /** [N + 1] falling. */
  readonly times: readonly number[];
  exponents(time: number): readonly number[];
  noiseRatio(time: number): number;
}

/** The terms at time `index` of the grid; the last one has no step. */
export function stepTerms(
  { schedules, times, exponents, noiseRatio }: TermsSource,
  index: number,
): StepTerms {
  const time = times[index]!;
  const next = times[index + 1];
  const step = next === undefined ? 0 : time - next;
  const now = exponents(time);
  const then = next === undefined ? now : exponents(next);
  const drifts = schedules.map((schedule) => schedule.drift(time));
  const diffusions = schedules.map((schedule) => schedule.diffusion(time));
  const diffusion = diffusions[0]!;
  return {
    index,
    time,
    step,
    exponents: now,
    total: now.reduce((sum, b) => sum + b, 0),
    // Over a step of the grid, so that the changes add up to the right ones whatever the function does in between.
    exponentRates: now.map((b, i) => (then[i] === b ? 0 : (then[i]! - b) / step)),
    drifts,
    diffusions,
    signals: schedules.map((schedule) => schedule.signal(time)),
    variances: schedules.map((schedule) => schedule.noise(time) ** 2),
    drift: drifts[0]!,
    diffusion,
    noise: noiseRatio(time) * diffusion,
  };
}

/** What `correctorRates` takes, for a transport k along the score of the experts. */
export interface RateTerms {
  /** [M, 3] */
  readonly coefficients: Float64Array;
  readonly spread: number;
  readonly transport: number;
  readonly constant: number;
}

/**
 * Coefficients of the one formula: with f the drift of the first expert, the constant is
 * sum b_i div f_i - div f = d (sum b_i (f_i - f) + (B - 1) f).
 */
export function rateTerms(terms: StepTerms, dimension: number, transported: boolean): RateTerms {
  const { exponents, diffusions, drifts, drift, total } = terms;
  let apart = 0;
  const coefficients = Float64Array.from(
    exponents.flatMap((b, i) => {
      const own = b * (drifts[i]! - drift);
      apart += own;
      return [b, 0.5 * b * diffusions[i]!, own];
    }),
  );
  return {
    coefficients,
    spread: 0.5 * terms.noise,
    transport: transported ? 0.5 * terms.diffusion * (1 / total - 1) : 0,
    constant: dimension * (apart + (total - 1) * drift),
  };
}

/** Precision of the product of normal laws N(0, V_i), sum b_i / V_i. */
export function precisionOf(exponents: readonly number[], variances: readonly number[]): number {
  return exponents.reduce((sum, b, i) => sum + b / variances[i]!, 0);
}

/**
 * theta for the drift theta x that makes the flow follow the target exactly where every q_i is N(0, V_i I),
 * V_i = alpha_i^2 m_i + v_i with m_i the mean square of the data per coordinate:
 *
 *   theta = f + sum b_i g_i^2 / (2 V_i) - P' / (2 P),   P = sum b_i / V_i
 *   P' = sum b_i (2 f_i V_i + g_i^2) / V_i^2 + sum b_i' / V_i      (in tau)
 *
 * For experts of one schedule and one V it is (g^2 / 2) (B - 1) / V. 0 where P is not positive.
 */
export function analyticDrift(terms: StepTerms, secondMoments: readonly number[]): number {
  const { exponents, exponentRates, drifts, diffusions, signals, variances } = terms;
  const total = exponents.map((_, i) => signals[i]! ** 2 * secondMoments[i]! + variances[i]!);
  const precision = precisionOf(exponents, total);
  if (!(precision > 0)) return 0;
  let sum = terms.drift;
  let rise = 0;
  for (const [i, b] of exponents.entries()) {
    const V = total[i]!;
    sum += (0.5 * b * diffusions[i]!) / V;
    rise += (b * (2 * drifts[i]! * V + diffusions[i]!)) / (V * V) + exponentRates[i]! / V;
  }
  return sum - (0.5 * rise) / precision;
}
