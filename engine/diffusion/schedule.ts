/**
 * How noise is added: x_t = alpha(t) x_0 + sigma(t) e, e ~ N(0, I), t from 0 (data) to `end` (noise), as the SDE
 * dX = f(t) X dt + g(t) dW.
 *
 * | symbol | name here |
 * |---|---|
 * | alpha | signal |
 * | sigma | noise, a standard deviation in units of x_t |
 * | sigma / alpha | noiseLevel, in units of the data |
 * | lambda = log(alpha / sigma) | logSnr, half the log of the signal-to-noise ratio |
 * | f = d log alpha / dt | drift |
 * | g^2 = d sigma^2 / dt - 2 f sigma^2 | diffusion |
 */
export interface NoiseSchedule {
  /** 'vp-linear' */
  readonly name: string;
  /** The noisiest time of the schedule. */
  readonly end: number;
  signal(time: number): number;
  /** 0 at time 0. */
  noise(time: number): number;
  /** Infinity where there is no noise. */
  logSnr(time: number): number;
  /** The time of a log-SNR; `logSnr` undone. */
  timeOf(logSnr: number): number;
  drift(time: number): number;
  /** g^2, not g. */
  diffusion(time: number): number;
  /**
   * Derivatives in time of signal and noise, which 'flow' predictions need. Where a schedule has none they follow from
   * drift and diffusion, which fails where these are infinite.
   */
  signalSlope?(time: number): number;
  noiseSlope?(time: number): number;
  /** With its numbers, for messages and fingerprints: 'vp-linear(0.1, 20)'. */
  describe(): string;
}
