import type { Arena, Backend, KernelCall } from '../../backend/backend.ts';
import type { Rng } from '../../random/rng.ts';
import type { FieldArray, FieldSpecs } from '../particles.ts';

/*
 * A Feynman-Kac model: an initial law M_0(dx_0), kernels M_t(x_{t-1}, dx_t) and potentials G_t(x_{t-1}, x_t) >= 0.
 *
 *   Q_t(dx_{0:t}) = (1/L_t) M_0(dx_0) G_0(x_0) prod_{s=1..t} M_s(x_{s-1}, dx_s) G_s(x_{s-1}, x_s)
 *
 * | symbol | name here |
 * |---|---|
 * | M_0, M_t | init, mutate |
 * | log G_t | logPotential |
 * | log eta_t, a guess of what is to come | logLookahead |
 * | log L_t | logNormalizer |
 *
 * Filters, SMC samplers, splitting and weighted diffusions are all of this form; `makeSmc` runs them.
 */

/** What the functions of a model see of one run of N particles. Arrays are the run's own, row-major. */
export interface SmcRun<F extends FieldSpecs = FieldSpecs> {
  /** Which of the runs that go side by side, from 0. */
  readonly index: number;
  /** N */
  readonly count: number;
  /** The run's generator; addresses are (purpose, step, particle 0..N-1). */
  readonly rng: Rng;
  readonly backend: Backend;
  readonly signal: AbortSignal;
  /** Whether this step began with a resampling: parents then stand for equal shares. False at step 0. */
  readonly resampled: boolean;
  /** [N, noise] standard normals of this step, as many a particle as `model.noise`; at purpose init or mutation. */
  readonly normals: Float64Array;
  /** The particles of a field, [N, k]: filled by `init` and `mutate`, read by the others. */
  field<K extends keyof F & string>(name: K): FieldArray<F[K]>;
  /** Their parents, already gathered, [N, k]. For `mutate` and `logPotential` from step 1 on. */
  parent<K extends keyof F & string>(name: K): FieldArray<F[K]>;
}

/** A weighted population, for what is chosen from all particles at once. Nothing of it may be written. */
export interface SmcPopulation<F extends FieldSpecs = FieldSpecs> extends SmcRun<F> {
  /** [N] natural log, unnormalised: the weights carried so far. */
  readonly logWeight: Float64Array;
  /** Effective sample size of `logWeight`. */
  readonly ess: number;
}

type Done = void | Promise<void>;

/**
 * The model. Functions work on rows lo..hi-1 and write no other, so that any cut of 0..N gives the same bits; all
 * randomness comes from `run.normals` and `run.rng`. Particles never see their weights; what adapts does so in `aim`
 * and `calibrate`.
 */
export interface FeynmanKac<F extends FieldSpecs = FieldSpecs> {
  readonly fields: F;
  /** T; undefined: until `done` says so, or for ever. */
  readonly steps: number | undefined;
  /** Standard normals a particle gets for `init` and for each `mutate`. Default 0. */
  readonly noise?: number;
  /** Most rows of one call, between which the event loop gets its turn. Default 8192; Infinity for kernels that dispatch. */
  readonly block?: number;
  /**
   * `init`, `mutate` and `logPotential` as kernels, to be run in one go with those of the loop, or `logPotential` alone. Taken
   * instead of the functions, which must be there all the same, unless something is to happen in between.
   */
  readonly kernels?: ModelKernels<F> | Pick<ModelKernels<F>, 'logPotential'>;
  /** Draw x_0 ~ M_0 into the fields. */
  init(run: SmcRun<F>, lo: number, hi: number): Done;
  /** Draw x_t ~ M_t(parent, .) into the fields: every field is to be written. */
  mutate(step: number, run: SmcRun<F>, lo: number, hi: number): Done;
  /** log G_t into `out` [N]: the increment. -Infinity kills a particle; NaN and +Infinity are errors. */
  logPotential(step: number, run: SmcRun<F>, out: Float64Array, lo: number, hi: number): Done;
  /**
   * log eta_t(x_t) into `out` [N], a guess of the potential to come by which ancestors are chosen and which the weights
   * then give back (the auxiliary filter). Must be finite wherever the weight is. Not called after the last step.
   */
  logLookahead?(step: number, run: SmcRun<F>, out: Float64Array, lo: number, hi: number): Done;
  /** Choose the next target, after `init` or `mutate` and before `logPotential`; the weights are those carried so far. */
  aim?(step: number, population: SmcPopulation<F>): Done;
  /** Learn from the weighted particles (covariance, acceptance) for the mutations to come, after `logPotential`. */
  calibrate?(step: number, population: SmcPopulation<F>): Done;
  /** Whether a run has reached its end, asked after each of its steps; a run that has stays as it is. */
  done?(step: number, run: SmcRun<F>): boolean;
  /** Model (likelihood, score) evaluations so far, of all runs of this model. Default: N a step, one for each potential. */
  evaluations?(): number;
  /** What a resumed run needs of the choices made by `aim` and `calibrate`; goes through JSON (NaN and infinities survive). */
  snapshot?(): unknown;
  restore?(saved: unknown): void;
}

/**
 * Kernels over the rows of a whole run. What they take beside the arrays of the run is from the arena `lent`, which goes back
 * when they are done.
 */
export interface ModelKernels<F extends FieldSpecs = FieldSpecs> {
  init(run: SmcRun<F>, lent: Arena): readonly KernelCall[];
  mutate(step: number, run: SmcRun<F>, lent: Arena): readonly KernelCall[];
  /** Those of what `init` or `mutate` has yet to write, or, alone, has written; `out` itself may be filled at once. */
  logPotential(step: number, run: SmcRun<F>, out: Float64Array, lent: Arena): readonly KernelCall[];
}

/** Where the standard normals of a step come from: by default addressed draws; quasi-random points, shared noise. */
export type NoiseSource = (
  step: number,
  run: { readonly index: number; readonly count: number; readonly rng: Rng },
  /** [N, noise], filled. */
  normals: Float64Array,
) => Done;

/**
 * Draws the ancestors of a step in place of the resampling scheme: slots 0..N-1 at the step before, of which
 * `population` holds the particles and weights, into `ancestor` [N]. `logWeight` [N] are the weights to choose by: those
 * of the population, with the lookahead where the model has one.
 */
export type Selection<F extends FieldSpecs = FieldSpecs> = (
  step: number,
  population: SmcPopulation<F>,
  ancestor: Uint32Array,
  logWeight: Float64Array,
) => Done;
