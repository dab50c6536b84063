import type { FeynmanKac } from '../../../engine/particles/smc/feynman-kac.ts';
import { rows } from '../filter/bootstrap.ts';
import type { StateFields } from '../state-space.ts';
import type { DensityModel } from './transition-tile.ts';

/**
 * A hidden Markov model told from its end: an artificial prior gamma_t and a way to move from x_{t+1} to x_t. For a
 * stationary reversible model both are its own: `{ logPrior: (_, x, out) => model.logInitial(x, out), initial:
 * model.initial, transition: model.transition }`.
 */
export interface ReversedModel {
  /** Standard normals that one draw takes. Default d. */
  readonly noise?: number;
  /** log gamma_t(x) into `out` [n], up to a constant for each step. Positive wherever the smoothed states lie. */
  logPrior(step: number, x: Float64Array, out: Float64Array): void;
  /** x_{T-1} from z [n, noise]. */
  initial(z: Float64Array, x: Float64Array): void;
  /** Log density of `initial` into `out` [n]. Default: it draws from gamma_{T-1}. */
  logInitial?(x: Float64Array, out: Float64Array): void;
  /** x_t from x_{t+1}, `next`, and z [n, noise]. */
  transition(step: number, next: Float64Array, z: Float64Array, x: Float64Array): void;
  /**
   * Log density r_t(x_t | x_{t+1}) of `transition` into `out` [n]. Default: it is the exact reversal of the model,
   * gamma_{t+1}(x_{t+1}) r_t(x_t | x_{t+1}) = gamma_t(x_t) f_{t+1}(x_{t+1} | x_t).
   */
  logTransition?(step: number, next: Float64Array, x: Float64Array, out: Float64Array): void;
}

/*
 * The information filter: particles that aim at gamma_t(x_t) p(y_t..y_{T-1} | x_t), from t = T-1 down to 0. Step tau of
 * the loop is t = T-1-tau, and parents are x_{t+1}.
 *
 *   log G_{T-1} = log g + log gamma - log q            log G_t = log g + log gamma_t + log f_{t+1} - log gamma_{t+1} - log r_t
 *
 * where all but log g cancel for draws from gamma and exact reversals. Source: Briers, Doucet & Maskell (2010), section 3.
 */
export function informationFilter(
  model: DensityModel,
  observations: readonly (Float64Array | null)[],
  reversed: ReversedModel,
): FeynmanKac<StateFields> {
  const { dimension: d } = model;
  const { noise = d } = reversed;
  const steps = observations.length;
  const timeOf = (tau: number): number => steps - 1 - tau;
  return {
    fields: { x: { components: d } },
    steps,
    noise,
    init: (run, lo, hi) =>
      reversed.initial(rows(run.normals, noise, lo, hi), rows(run.field('x'), d, lo, hi)),
    mutate(tau, run, lo, hi) {
      const [next, x] = [rows(run.parent('x'), d, lo, hi), rows(run.field('x'), d, lo, hi)];
      reversed.transition(timeOf(tau), next, rows(run.normals, noise, lo, hi), x);
    },
    logPotential(tau, run, all, lo, hi) {
      const step = timeOf(tau);
      const out = all.subarray(lo, hi);
      const x = rows(run.field('x'), d, lo, hi);
      const y = observations[step]!;
      if (y === null) out.fill(0);
      else model.logObservation(step, y, x, out);
      const log = new Float64Array(hi - lo);
      const add = (sign: 1 | -1, fill: (log: Float64Array) => void): void => {
        fill(log);
        for (let i = 0; i < log.length; i++) out[i] = out[i]! + sign * log[i]!;
      };
      if (tau === 0 && reversed.logInitial !== undefined) {
        add(1, (l) => reversed.logPrior(step, x, l));
        add(-1, (l) => reversed.logInitial!(x, l));
      }
      if (tau > 0 && reversed.logTransition !== undefined) {
        const next = rows(run.parent('x'), d, lo, hi);
        add(1, (l) => reversed.logPrior(step, x, l));
        add(1, (l) => model.logTransition(step + 1, x, next, l));
        add(-1, (l) => reversed.logPrior(step + 1, next, l));
        add(-1, (l) => reversed.logTransition!(step, next, x, l));
      }
    },
  };
}
