import type { Dependence, Inputs } from '../../../engine/distribution/inputs.ts';
import type { KernelChoice } from '../../../engine/kernel/kernel.ts';
import type { Event } from '../../../engine/model/event.ts';
import type { ModelLike } from '../../../engine/model/model.ts';
import type { Result } from '../../../engine/sampler.ts';

/** What `splitting` and `lastParticle` have in common. */
export interface RareEventOptions {
  readonly model: ModelLike;
  /** The laws of the inputs, by name. */
  readonly inputs: Inputs;
  /** How inputs depend on each other, as `gaussianCopula` gives it. Default: not at all. */
  readonly dependence?: Dependence;
  /** Names of the outputs. */
  readonly outputs?: readonly string[];
  readonly event: Event;
  /** N, particles of one run. */
  readonly particles?: number;
  /** R, independent runs side by side; their spread is the standard error. Default 8. */
  readonly runs?: number;
  /** K, moves of a particle at each level. */
  readonly moves?: number;
  /** Moves of the inputs as standard normals. Default `pcn()`; `componentwise()` where one input decides. */
  readonly kernel?: KernelChoice;
  /** A probability below which the search ends: then the event may be impossible. Default 1e-20. */
  readonly least?: number;
  /** Of the interval. Default 0.95. */
  readonly level?: number;
}

/**
 * The probability of an event, on the log scale and on its own: NaN until all runs have ended, an upper bound without
 * error when some passed `least` without meeting the event (outcome 'degenerate'). `sample` are the inputs of the event,
 * all runs together, each weighted by its probability; before the end, those above the last levels.
 */
export interface RareEventResult extends Result {
  readonly logProbability: {
    readonly value: number;
    /**
     * Of `value`: from the spread of R runs ('replicates'), or from the genealogy of a single one as long as it has
     * families enough ('lee-whiteley', 'heuristic'); NaN ('none') else.
     */
    readonly standardError: number;
    readonly method: 'replicates' | 'lee-whiteley' | 'heuristic' | 'none';
    /** What it would be if particles were drawn afresh at each level: a lower bound of the truth. */
    readonly idealStandardError: number;
    /** Whether exp(value) has the right mean. */
    readonly unbiased: boolean;
    /** [R] log probability of each run; NaN of one that has not ended, -Infinity of one that died out. */
    readonly runs: Float64Array;
  };
  /** exp of it and of its interval on the log scale, at most 1; NaN ends without a standard error. */
  readonly probability: {
    readonly value: number;
    readonly low: number;
    readonly high: number;
    readonly level: number;
  };
  /** The levels of the first run, in the order they were reached. */
  readonly levels: readonly Level[];
}

export interface Level {
  /** The output that particles had to pass (for an event with two bounds: the distance to the nearer one, negative outside). */
  readonly value: number;
  /** Share of the particles that did. */
  readonly survivors: number;
  /** Mean acceptance of the moves at that level; NaN at the last, where there are none. */
  readonly acceptance: number;
}
