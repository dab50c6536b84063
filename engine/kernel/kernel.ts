import type { Backend } from '../backend/backend.ts';
import type { Rng } from '../random/rng.ts';
import type { Density } from '../types.ts';

/*
 * Markov kernels that leave the target prior(x) e^{factor(log likelihood)} of a sampler in its place, over n chains at
 * once. A factory such as `randomWalk()` makes a choice, a plain immutable value; the sampler opens it for a run.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | x | x | [n, d] row-major |
 * | log prior, log likelihood | logPrior, logLikelihood | [n] |
 * | their gradients in x | priorGradient, likelihoodGradient | [n, d] |
 * | lambda | slope | |
 */

/**
 * n chains. Prior and likelihood are kept apart, so that another inverse temperature or level costs no model call; the
 * kernel reads all and keeps all up to date, gradients if it needs them.
 */
export interface ChainStates {
  /** n */
  readonly count: number;
  /** [n, d] */
  readonly x: Float64Array;
  /** [n] */
  readonly logPrior: Float64Array;
  /** [n] whatever `MoveTarget.factor` understands: a log likelihood, or a score of rare events. */
  readonly logLikelihood: Float64Array;
  /** [n, d]; present where the kernel `needs` a gradient. */
  readonly priorGradient?: Float64Array;
  readonly likelihoodGradient?: Float64Array;
}

/** Fills `out` [n], and `gradient` [n, d] where it is given, of rows 0..n-1 of `x`. */
export type DensityRows = (
  x: Float64Array,
  n: number,
  out: Float64Array,
  gradient?: Float64Array,
) => void | Promise<void>;

/**
 * What the chains are to follow: log target = log prior + factor(log likelihood). Neither density may be NaN or
 * +Infinity; -Infinity is a place where chains never go. Their x and out come from an arena of the backend.
 */
export interface MoveTarget {
  readonly dimension: number;
  readonly logPrior: DensityRows;
  /** Called only for points of positive prior density: its batches hold fewer rows than there are chains. */
  readonly logLikelihood: DensityRows;
  /**
   * What a likelihood adds to the log target: lambda l of tempering (0 at lambda = 0 even where l = -Infinity), or
   * l > level ? 0 : -Infinity of splitting. `tempered` and `above` make them.
   */
  factor(logLikelihood: number): number;
  /** Derivative of `factor`, by which kernels with a gradient weigh that of the likelihood: lambda, or 0 of splitting. */
  readonly slope: number;
}

/** Where the draws of one move lie: proposals at purpose 3, acceptances at purpose 4, particle = first + chain. */
export interface ChainAddress {
  readonly rng: Rng;
  /** Outer iteration. */
  readonly step: number;
  /** Number of the move within the step, from 0. */
  readonly move: number;
  /** Particle of chain 0. Default 0. */
  readonly first?: number;
}

/** What one move did. */
export interface MoveOutcome {
  /** Mean over the chains of min(1, ratio); what step sizes adapt to. */
  readonly acceptance: number;
  /** Chains that moved. */
  readonly accepted: number;
  /** Mean over the chains of sum_c ((x'_c - x_c) / spread_c)^2. */
  readonly squaredJump: number;
}

/** Weighted particles from which a kernel learns: before resampling, with the weights of the target to be kept. */
export interface MovePopulation {
  /** [n, d] */
  readonly x: Float64Array;
  /** [n] natural log, unnormalised. */
  readonly logWeight: Float64Array;
}

/** An open kernel with its tuning. With fixed tuning a move leaves its target in place exactly. */
export interface MarkovKernel {
  /** 'random walk' */
  readonly name: string;
  /** What `states` must hold. */
  readonly needs: KernelNeeds;
  /**
   * Learn scale, place and step size for the moves to come: covariance and mean from the population, step size from the
   * acceptance of all moves since the last call. Without it the kernel keeps what it has: at first a unit scale. Particles
   * that are all in one place teach no scale.
   */
  tune(population: MovePopulation): void;
  /**
   * One move of all chains in place, in blocks with turns of the event loop between.
   * @throws ValueError when a density is NaN or +Infinity, from whoever evaluates it.
   */
  move(states: ChainStates, target: MoveTarget, address: ChainAddress): Promise<MoveOutcome>;
  /** [d] units of distance: standard deviations as learnt from the population, 1 before. */
  readonly spread: Float64Array;
  /** What it tells of its tuning for diagnostics: { scale: 0.84, acceptance: 0.25 }. */
  tuning(): Readonly<Record<string, number>>;
  /** The tuning as numbers and arrays of numbers. */
  snapshot(): Readonly<Record<string, unknown>>;
  /** @throws OptionError when `saved` belongs to another kernel or dimension. */
  restore(saved: Readonly<Record<string, unknown>>): void;
  /** Give memory back. Idempotent. */
  dispose(): void;
}

/** What a kernel asks of its target. */
export type KernelNeeds = 'density' | 'gradient' | 'gaussian-prior' | 'independent-prior';

/** What a kernel is opened for. */
export interface KernelContext {
  /** Name used in messages: 'smcSampler'. */
  readonly where: string;
  readonly backend: Backend;
  readonly signal: AbortSignal;
  /** d */
  readonly dimension: number;
  /** The law behind `MoveTarget.logPrior`, when there is one: for kernels that draw from it. */
  readonly prior?: Density;
  /** Whether the target fills gradients. */
  readonly gradient: boolean;
  /** Most chains that will move at once, so that no more room is taken than they need. */
  readonly chains?: number;
  /** Most chains of one block; changes no bit. Default: what keeps an array at 2 MiB, from 256 to 16384. */
  readonly block?: number;
}

/** What is known of a kernel's target before a run. */
export interface KernelFit extends Pick<KernelContext, 'where' | 'dimension' | 'prior'> {
  /** Undefined: the target shows whether it has a gradient only when it is opened. */
  readonly gradient?: boolean | undefined;
}

/** A kernel with its options, chosen and not yet open: what `randomWalk()` and its kin return. Plain and immutable. */
export interface KernelChoice {
  readonly kind: 'markov-kernel';
  /** 'random walk' */
  readonly name: string;
  readonly needs: KernelNeeds;
  /** Everything that changes the numbers, for digests: { scale: 0.5 }. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Before any work. @throws OptionError as `open` does, for what shows already. */
  check?(fit: KernelFit): void;
  /** @throws OptionError when the target lacks what the kernel needs (a gradient, a Gaussian prior), with the remedy. */
  open(context: KernelContext): MarkovKernel;
}

/** Tempering: lambda l, and 0 at lambda = 0 even where l = -Infinity. */
export function tempered(inverseTemperature: number): Pick<MoveTarget, 'factor' | 'slope'> {
  return {
    factor: inverseTemperature === 0 ? () => 0 : (logLikelihood) => inverseTemperature * logLikelihood,
    slope: inverseTemperature,
  };
}

/** Splitting: chains stay strictly above a level of the score. */
export function above(level: number): Pick<MoveTarget, 'factor' | 'slope'> {
  return { factor: (score) => (score > level ? 0 : -Infinity), slope: 0 };
}
