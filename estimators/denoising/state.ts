import type { Arena } from '../../engine/array/arena.ts';
import type { OpenDenoiser } from '../../engine/diffusion/denoiser.ts';
import type { Turn } from '../../engine/turn.ts';

/** A run between two cycles. */
export interface DenoisingMcmcState {
  readonly key: readonly [number, number];
  readonly denoiser: OpenDenoiser;
  readonly chains: Chains;
  /** [kept n, d]: denoised, then kept and still noised, then nothing. */
  readonly points: Float64Array;
  /** [sweeps at once, n] levels of those that are not denoised yet. */
  readonly pending: Uint32Array;
  /** [n, d] and [n]: the states of smallest level in this window; empty unless they are picked. */
  readonly lowest: { readonly x: Float64Array; readonly level: Uint32Array };
  /** [cycles, n] levels since warm-up began, or ended. */
  history: Uint32Array;
  /** Cycles done, warm-up included. */
  cycle: number;
  /** 0 until it is known. */
  skip: number;
  /** Evaluations before the first cycle, until the end of warm-up, and for denoising. */
  startEvaluations: number;
  warmupEvaluations: number;
  denoiseEvaluations: number;
}

/** n chains and what a cycle writes to. */
export interface Chains {
  readonly x: Float64Array;
  readonly level: Uint32Array;
  /** Moves made and taken at each level since warm-up began, or ended, [G]. */
  readonly moves: Uint32Array;
  readonly taken: Uint32Array;
  /** Multiplies the step size, or is it. */
  stepSize: number;
  readonly work: Work;
}

interface Work {
  readonly proposal: Float64Array;
  readonly noised: Float64Array;
  readonly score: Float64Array;
  readonly proposed: Float64Array;
  readonly normals: Float64Array;
  readonly accept: Float64Array;
  readonly times: Float64Array;
  readonly logDensity: Float64Array;
  readonly newDensity: Float64Array;
  readonly levels: LevelWork;
  readonly arena: Arena;
  readonly turn: Turn;
}

/** What a draw of levels writes to. */
export interface LevelWork {
  /** Chains at once. */
  readonly rows: number;
  /** [n] uniforms, and for 'heat' as many again. */
  readonly draws: Float64Array;
  /** [rows, width] log densities up to a constant of each row; width is G or the window. */
  readonly values: Float64Array;
  /** [rows, width, d] and [rows, width]: points and times of a call; scores, divergences and a direction. */
  readonly points: Float64Array;
  readonly times: Float64Array;
  readonly score: Float64Array;
  readonly direction: Float64Array;
}
