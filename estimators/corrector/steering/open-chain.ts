import type { OpenDenoiser } from '../../../engine/diffusion/denoiser.ts';
import { openDenoiser } from '../../../engine/diffusion/open-denoiser.ts';
import { type OpenReward, openReward } from '../../../engine/diffusion/open-reward.ts';
import { orRelease } from '../../../engine/or-release.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import type { Context } from '../../../engine/sampler.ts';
import type { ChainFields, SteeringPlan } from './plan.ts';

/** Scratch arrays that all runs share, one after the other: N rows. */
export interface Rooms {
  /** [N] what potentials come to, and log p - log q of the last move. */
  readonly potential: Float64Array;
  readonly ratio: Float64Array;
  /** [N] gamma lambda r of what was looked at. */
  readonly value: Float64Array;
  /** [N, d] its gradient; empty without guidance. */
  readonly gradient: Float64Array;
  /** [N, d] candidates and their estimates, [N, M] uniforms and [N] the best score; empty without candidates. */
  readonly tried: Float64Array;
  readonly triedClean: Float64Array;
  readonly uniforms: Float64Array;
  readonly score: Float64Array;
}

/** A chain with its denoiser and reward opened. */
export interface OpenChain {
  readonly plan: SteeringPlan;
  readonly denoiser: OpenDenoiser;
  readonly reward: OpenReward;
  readonly rooms: Rooms;
  /** [R] whether the last potential of a run was resampled by; of the public code. */
  readonly counted: boolean[];
  /** [R] steps at which the public code forgot weights. */
  readonly dropped: number[];
  /** Rows whose estimate was differentiated. */
  tangents: number;
  dispose(): void;
}

export function evaluationsOf({ denoiser, reward, tangents }: OpenChain): Done {
  return { denoiser: denoiser.evaluations, tangents, reward: reward.evaluations };
}

/** A step of the first run. */
export interface TraceRow {
  readonly ess: number;
  readonly resampled: boolean;
  readonly increment: number;
  readonly largestWeight: number;
}

export interface SteeringState {
  readonly key: readonly [number, number];
  readonly smc: Smc<ChainFields>;
  readonly chain: OpenChain;
  readonly trace: TraceRow[];
}

/** Evaluations made before a run was resumed. */
export interface Done {
  readonly denoiser: number;
  readonly tangents: number;
  readonly reward: number;
}

export async function openChain(plan: SteeringPlan, ctx: Context, done: Done): Promise<OpenChain> {
  const { backend, signal } = ctx;
  const { method, rows: n, runs, steps, dimension: d } = plan;
  const { where, shift, candidates } = method;
  const planned = runs * n * (steps + 1);
  const reward = await openReward(
    { where, reward: plan.reward, dimension: d, planned, backend, signal },
    done.reward,
  );
  const denoiser = await orRelease(
    async () => openDenoiser({ where, denoiser: plan.denoiser, backend, signal }, done.denoiser),
    () => reward.dispose(),
  );
  const arena = backend.arena();
  const guided = shift === undefined ? 0 : n * d;
  const tries = candidates === undefined || candidates.pick === 'at-end' ? 0 : n;
  return {
    plan,
    denoiser,
    reward,
    rooms: {
      potential: arena.f64(n),
      ratio: arena.f64(n),
      value: arena.f64(n),
      gradient: arena.f64(guided),
      tried: arena.f64(tries * d),
      triedClean: arena.f64(tries * d),
      uniforms: arena.f64(candidates?.pick === 'softmax' ? tries * candidates.count : 0),
      score: arena.f64(tries),
    },
    counted: Array.from({ length: runs }, () => false),
    dropped: Array.from({ length: runs }, () => 0),
    tangents: done.tangents,
    dispose() {
      denoiser.dispose();
      reward.dispose();
      arena.release();
    },
  };
}
