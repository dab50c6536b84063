import type { Backend } from '../backend/backend.ts';
import { defaultBackend } from '../backend/choose.ts';
import { checkCount } from '../check.ts';
import type { Rng } from '../random/rng.ts';
import { essOf, logMeanOf } from './log-weight.ts';
import { makeResampler } from './resampler.ts';
import type { SchemeName } from './resampling/scheme.ts';

export interface ResampleOptions {
  /** [n] natural log, unnormalised; -Infinity is a dead particle. Not modified. */
  readonly logWeight: Float64Array;
  readonly rng: Rng;
  /** Ancestors to draw, m. Default n. */
  readonly particles?: number;
  /** Default 'systematic'. */
  readonly scheme?: SchemeName;
  /** Step whose draws are used; draws of one step are always the same. Default 0. */
  readonly step?: number;
  readonly backend?: Backend;
}

export interface Resampled {
  /** [m] indices of the parents; never a dead particle; non-decreasing when `sorted`. */
  readonly ancestor: Uint32Array;
  /** Effective sample size of the weights, in particles. */
  readonly ess: number;
  /** log of the mean weight. */
  readonly logMean: number;
  readonly scheme: SchemeName;
  readonly unbiased: boolean;
  readonly sorted: boolean;
  /** Moves of each slot for scheme 'metropolis', chosen from the weights; 0 for the others. */
  readonly moves: number;
}

/**
 * Draw ancestors with probabilities proportional to exp(logWeight): E[copies of i] = m W_i for every scheme but
 * 'metropolis'. Same bits on every host backend and for any number of workers.
 *
 * @throws DegeneracyError when every particle is dead; ValueError at NaN or +Infinity; OptionError for a bad count
 * or scheme, or for 'killing' with m other than n.
 */
export async function resample(options: ResampleOptions): Promise<Resampled> {
  const { logWeight, rng, scheme = 'systematic', step = 0 } = options;
  const n = logWeight.length;
  const most = { min: 1, max: 4294967295 };
  const slots = checkCount('resample', 'particles', options.particles ?? n, most);
  checkCount('resample', 'step', step, { min: 0, max: 4294967295 });
  const backend = options.backend ?? (await defaultBackend());
  const arena = backend.arena();
  try {
    const resampler = makeResampler({ backend, arena, particles: n, slots, scheme });
    const lent = arena.f64(n);
    lent.set(logWeight);
    const summary = await resampler.weigh(lent);
    const ancestor = arena.u32(slots);
    const moves = await resampler.draw({ key: rng.key, step }, ancestor);
    const { unbiased, sorted } = resampler;
    return {
      // A copy on the heap: what lies in the arena goes back with it.
      ancestor: Uint32Array.from(ancestor),
      ess: essOf(summary),
      logMean: logMeanOf(summary, n),
      scheme,
      unbiased,
      sorted,
      moves,
    };
  } finally {
    arena.release();
  }
}
