import type { OpenDenoiser } from '../../engine/diffusion/denoiser.ts';
import type { Chains } from './chain.ts';

/** A run between two cycles. */
export interface DenoisingMcmcState {
  readonly key: readonly [number, number];
  readonly denoiser: OpenDenoiser;
  readonly chains: Chains;
  /** [kept n, d] as far as they are there. */
  readonly points: Float64Array;
  /** [cycles, n] levels since warm-up began, or ended. */
  history: Uint32Array;
  /** Cycles done, warm-up included. */
  cycle: number;
  /** 0 until it is known. */
  skip: number;
  /** Evaluations in warm-up, and for denoising. */
  warmupEvaluations: number;
  denoiseEvaluations: number;
}
