import type { Arena, Backend } from '../backend/backend.ts';
import { checkOneOf } from '../check.ts';
import { OptionError } from '../errors.ts';
import { quantise } from './integer-weights.ts';
import { checkSameLength, type WeightSummary } from './log-weight.ts';
import { type SchemeName, takeScratch } from './resampling/scheme.ts';
import { RESAMPLING_SCHEMES, SCHEME_NAMES } from './resampling/schemes.ts';
import { type Along, makeWeigher } from './weigher.ts';

export interface ResamplerOptions {
  readonly backend: Backend;
  /** Where its arrays live; taken here once, so that nothing is allocated during a run. */
  readonly arena: Arena;
  /** Particles weighed, n. */
  readonly particles: number;
  /** Slots filled, m. Default n. */
  readonly slots?: number;
  /** Default 'systematic'. */
  readonly scheme?: SchemeName;
}

/** Weighs and resamples n particles again and again in arrays of its own. */
export interface Resampler {
  readonly scheme: SchemeName;
  readonly unbiased: boolean;
  readonly sorted: boolean;
  /**
   * Weights of n log-weights (an array of the arena, at least n long; the first n count): their summary, from which
   * `essOf`, `logMeanOf` follow. Not modified.
   * @throws ValueError at NaN or +Infinity, with the particle.
   */
  weigh(logWeight: Float64Array): Promise<WeightSummary>;
  /**
   * Add the increments [n] to the log-weights of those that are alive, or to zeros when `fresh`, and weigh the sums. The
   * dead stay dead; the increments become NaN.
   * @throws ValueError at NaN or +Infinity, with the particle; the log-weights are modified then.
   */
  reweigh(
    logWeight: Float64Array,
    increment: Float64Array,
    fresh: boolean,
    along?: Along,
  ): Promise<WeightSummary>;
  /** exp(logWeight - max) of the last `weigh`, [n]; overwritten by `draw`. */
  readonly weight: Float64Array;
  /**
   * Ancestors with the weights of the last `weigh` into `ancestor` (arena, [m]); once for each `weigh`. Returns the
   * moves of each slot where the scheme chooses them (Metropolis), else 0.
   * @throws DegeneracyError when all particles were dead.
   */
  draw(at: DrawAt, ancestor: Uint32Array): Promise<number>;
}

/** Address of the draws: the key of a generator and the step t at which the ancestors are used. */
export interface DrawAt {
  readonly key: readonly [number, number];
  readonly step: number;
}

/** @throws OptionError for an unknown scheme, or one that cannot change the number of particles. */
export function makeResampler(options: ResamplerOptions): Resampler {
  const { backend, arena, particles: n, slots = n, scheme: name = 'systematic' } = options;
  const scheme = RESAMPLING_SCHEMES[checkOneOf('resample', 'scheme', name, SCHEME_NAMES)];
  if (scheme.sameSize && slots !== n) throw fixedSize(name, n, slots);
  const { weigh, reweigh, weight, partial, spend } = makeWeigher(backend, arena, n);
  const cumulative = arena.f64(n);
  const scratch = takeScratch(scheme, n, slots, arena);

  const draw = async (at: DrawAt, ancestor: Uint32Array): Promise<number> => {
    checkSameLength('resample', 'ancestor', ancestor.length, slots);
    const { sum } = spend();
    // The largest weight is exactly exp(0) = 1.
    const weights = await quantise(backend, { q: weight, cumulative, partial }, n, sum, 1);
    return scheme.ancestors({ weights, slots, ancestor, key: at.key, step: at.step, backend, scratch });
  };

  return { scheme: name, unbiased: scheme.unbiased, sorted: scheme.sorted, weigh, reweigh, weight, draw };
}

function fixedSize(scheme: SchemeName, n: number, slots: number): OptionError {
  return new OptionError({
    where: 'resample',
    option: 'particles',
    value: slots,
    found: `option \`particles\` is ${slots} with scheme ${scheme}`,
    expected: `${n}, as many as there are log-weights`,
    fix: "Use scheme: 'systematic' to change the number of particles.",
  });
}
