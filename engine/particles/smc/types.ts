import type { Backend, KernelCall } from '../../backend/backend.ts';
import type { Rng } from '../../random/rng.ts';
import type { History, HistoryOptions } from '../history.ts';
import type { SavedHistory } from '../history-state.ts';
import type { WeightSummary } from '../log-weight.ts';
import type { FieldSpecs, Particles } from '../particles.ts';
import type { SchemeName } from '../resampling/scheme.ts';
import type { TriggerOptions } from '../trigger.ts';
import type { FeynmanKac, NoiseSource, Selection, SmcPopulation, SmcRun } from './feynman-kac.ts';

export interface SmcOptions<F extends FieldSpecs> extends TriggerOptions {
  /** The method, for messages. */
  readonly where: string;
  readonly backend: Backend;
  readonly signal?: AbortSignal;
  /** One model for all runs, or one for each. They have the same fields and noise. */
  readonly model: FeynmanKac<F> | readonly FeynmanKac<F>[];
  /** The generators of the runs, one each. */
  readonly rngs: readonly Rng[];
  /** N, particles of one run. */
  readonly particles: number;
  /** Default 'systematic'. */
  readonly scheme?: SchemeName;
  /**
   * M, a divisor of N: resample M ancestors only; slot p M + m has the m-th of them for its parent, p = 0..N/M-1
   * (waste-free: the mutation turns copy p into the p-th state of chain m). Default N.
   */
  readonly chains?: number;
  /** Whether step t, from 1, may begin with a resampling, where the weights ask for one. Default: every step may. */
  readonly mayResample?: (step: number) => boolean;
  /** Ancestors by another rule than `scheme`. */
  readonly select?: Selection<F>;
  /** Normals from another source than addressed draws. */
  readonly noise?: NoiseSource;
  /**
   * Kernels that read what a step has made, particles and `weight` [N], exp(logWeight - max): run in one go with those that
   * make the weights. Asked for as soon as it is known that a particle is alive.
   */
  readonly beside?: (run: SmcRun<F>, weight: Float64Array) => readonly KernelCall[];
  /** Default { kind: 'none' }. */
  readonly history?: HistoryOptions;
  /** 'dead': a NaN potential kills its particle and is counted. Default 'error'. */
  readonly nan?: 'error' | 'dead';
  /**
   * Log potential that a step counts for when it kills every particle, which then go on with equal weights: the run
   * survives a collapse, and its evidence is biased (`floored` counts such steps). Default: a collapse ends the run.
   */
  readonly floor?: number;
}

/** Where one run stands. */
export interface SmcRunState {
  /** log of the estimate of L_t, since the start. */
  readonly logNormalizer: number;
  /** What this step added to it. */
  readonly increment: number;
  /** Effective sample size of the weights, in particles; 0 when collapsed. */
  readonly ess: number;
  /** Whether this step began with a resampling. */
  readonly resampled: boolean;
  /** Resamplings so far. */
  readonly resamplings: number;
  /** The step at which no particle was left alive. */
  readonly collapsedAt: number | undefined;
  /** Whether the run goes no further. */
  readonly finished: boolean;
  /** Potentials that were NaN and counted as -Infinity. */
  readonly nans: number;
  /** Steps that killed every particle and counted for `floor`. */
  readonly floored: number;
}

/** R runs of N particles in one set of flat arrays [R N]. */
export interface Smc<F extends FieldSpecs> {
  readonly count: number;
  readonly particles: Particles<F>;
  readonly history: History;
  readonly runs: readonly SmcRunState[];
  /** The last step taken, from 0; -1 before the first. */
  readonly step: number;
  /** Every run has ended: its steps are over, its model said so, or it collapsed. */
  readonly finished: boolean;
  /** Model evaluations so far. */
  readonly evaluations: number;
  /**
   * One step of all runs.
   * @throws ValueError for a potential that is NaN or +Infinity; `signal.reason` when aborted.
   */
  advance(): Promise<void>;
  /** Particles and weights of a run as they are now. */
  population(run: number): SmcPopulation<F>;
  /** exp(logWeight - max) of a run's last weights, [N], and their summary; until the next `advance`. */
  weight(run: number): Float64Array;
  summary(run: number): WeightSummary;
  /** [N] index of each particle's ancestor at step 0: r N + i for particle i of run r. */
  eve(run: number): Uint32Array;
  /**
   * Let a run go on from where run `source` of `from` stands: a loop, this one or another, with as many particles a run, the
   * same fields and the same step. Its generator and model stay its own, and the history does not learn of it.
   * @throws OptionError when the two do not fit.
   */
  adopt(run: number, from: Smc<F>, source: number): Promise<void>;
  /**
   * Everything a later `restore` needs, the history included.
   * @throws OptionError when a step failed halfway.
   */
  snapshot(): SavedHistory;
  restore(saved: SavedHistory): Promise<void>;
  release(): void;
}
