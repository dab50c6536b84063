/** One tail probability of a law on the real line as a function of u, and what Newton's method needs of it. */
export interface Tail {
  /** +1 for P(U <= u), -1 for P(U > u). */
  readonly sign: 1 | -1;
  at(u: number): TailValue;
}

export interface TailValue {
  readonly probability: number;
  readonly density: number;
  /** Derivative of the log density in u. */
  readonly slope: number;
}

const MAX_ITERATIONS = 200;

/**
 * The u at which a tail probability equals `target` in (0, 1).
 *
 * Halley's method on log probability. For a log-concave density the log of either tail is concave, so Newton's
 * method converges from any start at which nothing underflows; a bracket covers the rest. A step taken at a
 * mismatch g of log probabilities leaves one of order g^3, hence the stop at 1e-5.
 */
export function tailRoot(tail: Tail, target: number, start: number): number {
  const { sign } = tail;
  let low = -Infinity;
  let high = Infinity;
  let u = start;
  let stride = 1;
  for (let i = 0; i < MAX_ITERATIONS; i++) {
    const { probability, density, slope } = tail.at(u);
    const mismatch = Math.log(probability / target);
    if (sign * mismatch > 0) high = u;
    else low = u;
    const hazard = density / probability;
    const newton = (-sign * mismatch) / hazard;
    const factor = 1 + 0.5 * newton * (slope - sign * hazard);
    let next = u + newton / Math.min(2, Math.max(0.5, factor));
    if (Math.abs(mismatch) < 1e-5 || next === u) return next;
    if (!(next > low && next < high)) {
      next = high === Infinity ? low + stride : low === -Infinity ? high - stride : low + (high - low) / 2;
      stride *= 2;
    }
    u = next;
  }
  return u;
}

/** Standard normal quantile to 5e-4 from p and q = 1 - p, good enough to start from. Source: Abramowitz & Stegun 26.2.23. */
export function roughNormalQuantile(p: number, q: number): number {
  const t = Math.sqrt(-2 * Math.log(Math.min(p, q)));
  const top = 2.515517 + t * (0.802853 + t * 0.010328);
  const z = t - top / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  return p < q ? -z : z;
}
