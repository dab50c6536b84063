import type { Dependence, Inputs } from '../../../engine/distribution/inputs.ts';
import type { Event } from '../../../engine/model/event.ts';
import type { ModelLike } from '../../../engine/model/model.ts';
import type { Result } from '../../../engine/sampler.ts';

export interface CrossEntropyOptions {
  readonly model: ModelLike;
  /** The laws of the inputs, by name. */
  readonly inputs: Inputs;
  /** How inputs depend on each other, as `gaussianCopula` gives it. Default: not at all. */
  readonly dependence?: Dependence;
  /** Names of the outputs. */
  readonly outputs?: readonly string[];
  readonly event: Event;
  /** K, normal laws in the proposal: as many as the event has separate parts, or more. Default 2. */
  readonly components?: number;
  /** N, points of an adapting stage. Default 1000, or 100 for each input where that is more. */
  readonly stagePoints?: number;
  /** Share of a stage that makes the next level. Default 0.1. */
  readonly share?: number;
  /** Most adapting stages. Default 30. */
  readonly stages?: number;
  /** Points of the final stage, drawn afresh. Default 4096. */
  readonly points?: number;
  /** Share of the laws of all earlier stages in the final proposal, which find what the fit has lost. Default 0.2. */
  readonly defensive?: number;
  /** Default 0.95. */
  readonly level?: number;
}

/**
 * The probability of an event, on the log scale and on its own: NaN before the final stage. `sample` are the inputs of
 * the event of the final stage, with their weights.
 */
export interface CrossEntropyResult extends Result {
  readonly logProbability: {
    readonly value: number;
    /** Of `value`, from the spread of the weights; NaN ('none') where none would be valid. */
    readonly standardError: number;
    readonly method: 'importance-sampling' | 'none';
    /** Whether exp(value) has the right mean: the final points are drawn afresh. */
    readonly unbiased: boolean;
  };
  /** exp of it and of its interval on the log scale, at most 1; NaN ends without a standard error. */
  readonly probability: {
    readonly value: number;
    readonly low: number;
    readonly high: number;
    readonly level: number;
  };
  /** Of the weights of the event: effective size, which must be 50 or more; Pareto shape; largest share. */
  readonly weights: { readonly ess: number; readonly paretoShape: number; readonly largestShare: number };
  /** Share of the final points in the event. */
  readonly hits: number;
  /** The levels in the order they were reached. */
  readonly levels: readonly CrossEntropyLevel[];
}

export interface CrossEntropyLevel {
  /** The output that points had to reach (for an event with two bounds: the distance to the nearer one, negative outside). */
  readonly value: number;
  /** Share of the stage's points that did. */
  readonly share: number;
}
