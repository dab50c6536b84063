import type { Arena } from '../../engine/array/arena.ts';
import type { OpenDenoiser } from '../../engine/diffusion/denoiser.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { channel } from '../../engine/random/rng.ts';
import type { Context } from '../../engine/sampler.ts';
import { makeTurn, type Turn } from '../../engine/turn.ts';
import { log } from '../../engine/wasm/twins/elementary.ts';
import type { ChainPlan } from './plan.ts';

/*
 * One cycle of the chain on p(x, sigma) = p_sigma(x) p(sigma), n chains at once, x in units of the data:
 *
 *   x' = x + (eta / 2) s(x) + sqrt(eta) z,   s = grad log p_sigma
 *   accepted with probability min(1, e^a),
 *   a = log p_sigma(x') - log p_sigma(x) - |x - x' - (eta / 2) s(x')|^2 / (2 eta) + |x' - x - (eta / 2) s(x)|^2 / (2 eta)
 *   sigma <- argmax_g (log w_g + log p_g(x) + Gumbel), a draw from p(sigma given x)
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | x, x' | x, proposal | [n, d] |
 * | s(x), s(x') | score, proposed | [n, d] |
 * | index of sigma | level | [n] |
 * | log p_g(x) of x and x' | logDensity, newDensity | [n, G] |
 * | eta | stepAt | |
 *
 * Under a schedule x_t = alpha x, the score of x is alpha times that of x_t. Mode 'published' takes every x', and the most
 * probable level.
 */

/** n chains and what a cycle writes to. */
export interface Chains {
  readonly x: Float64Array;
  readonly level: Uint32Array;
  /** Moves made and taken at each level since `clearCounts`, [G]. */
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
  readonly draws: Float64Array;
  readonly times: Float64Array;
  readonly logDensity: Float64Array;
  readonly newDensity: Float64Array;
  readonly arena: Arena;
  readonly turn: Turn;
}

/** Empty chains; fill `x`, then `settle`. */
export function openChains(plan: ChainPlan, ctx: Context): Chains {
  const { chains: n, levels, denoiser } = plan;
  const d = denoiser.dimension;
  const G = levels.length;
  const arena = ctx.backend.arena();
  return {
    x: arena.f64(n * d),
    level: arena.u32(n),
    moves: new Uint32Array(G),
    taken: new Uint32Array(G),
    stepSize: plan.stepSize,
    work: {
      proposal: arena.f64(n * d),
      noised: arena.f64(n * d),
      score: arena.f64(n * d),
      proposed: arena.f64(n * d),
      normals: arena.f64(n * d),
      accept: arena.f64(n),
      draws: arena.f64(n * G),
      times: arena.f64(n),
      logDensity: arena.f64(n * G),
      newDensity: arena.f64(n * G),
      arena,
      turn: makeTurn(),
    },
  };
}

/** The law of the levels at x, which cycles keep from then on. */
export async function weighLevels(plan: ChainPlan, { x, work }: Chains, ctx: Context): Promise<void> {
  await densities(plan, x, work.logDensity, work.turn, ctx);
}

/** Cycle `cycle` of all chains. Returns the accepted share. Normals and uniforms are addressed by (cycle, chain). */
export async function advanceChains(
  plan: ChainPlan,
  chains: Chains,
  denoiser: OpenDenoiser,
  cycle: number,
  ctx: Context,
): Promise<number> {
  const { work } = chains;
  const { rng, backend } = ctx;
  const n = plan.chains;
  const at = [...rng.key, 0, cycle] as const;
  const d = denoiser.dimension;
  await backend.dispatch('normal', [work.normals, d, ...at, channel(PURPOSE.langevin)], n);
  await scoreOf(plan, chains, denoiser, chains.x, work.score, cycle);
  propose(plan, chains);
  if (plan.mode === 'exact') {
    await backend.dispatch('uniform', [work.accept, 1, ...at, channel(PURPOSE.acceptance)], n);
    await scoreOf(plan, chains, denoiser, work.proposal, work.proposed, cycle);
  }
  await densities(plan, work.proposal, work.newDensity, work.turn, ctx);
  const share = take(plan, chains);
  await drawLevels(plan, chains, cycle, ctx);
  return share;
}

/** eta at a level. */
export function stepAt({ mode, leastVariance, levels }: ChainPlan, stepSize: number, level: number): number {
  return mode === 'exact' ? stepSize * (leastVariance + levels[level]! ** 2) : stepSize;
}

/** One Langevin step of row x[at..at+d-1]. */
export function langevinStep(
  eta: number,
  x: Float64Array,
  score: Float64Array,
  normals: Float64Array,
  at: number,
  d: number,
  out: Float64Array,
): void {
  const scale = Math.sqrt(eta);
  for (let i = at; i < at + d; i++) out[i] = x[i]! + 0.5 * eta * score[i]! + scale * normals[i]!;
}

/** log q(x from x') - log q(x' from x) of a Langevin step of one row: a without the densities. */
export function logProposalRatio(
  eta: number,
  x: Float64Array,
  score: Float64Array,
  proposal: Float64Array,
  proposed: Float64Array,
  at: number,
  d: number,
): number {
  let sum = 0;
  for (let i = at; i < at + d; i++) {
    const step = proposal[i]! - x[i]!;
    sum += (step - 0.5 * eta * score[i]!) ** 2 - (step + 0.5 * eta * proposed[i]!) ** 2;
  }
  return sum / (2 * eta);
}

async function scoreOf(
  { signals, times, chains: n }: ChainPlan,
  { level, work }: Chains,
  denoiser: OpenDenoiser,
  x: Float64Array,
  score: Float64Array,
  cycle: number,
): Promise<void> {
  const d = denoiser.dimension;
  for (let i = 0; i < n; i++) {
    const signal = signals[level[i]!]!;
    work.times[i] = times[level[i]!]!;
    for (let c = i * d; c < (i + 1) * d; c++) work.noised[c] = signal * x[c]!;
  }
  await denoiser.evaluate(work.noised, work.times, n, { score }, cycle);
  for (let i = 0; i < n; i++) {
    const signal = signals[level[i]!]!;
    for (let c = i * d; c < (i + 1) * d; c++) score[c] = signal * score[c]!;
  }
}

function propose(plan: ChainPlan, { x, level, work, stepSize }: Chains): void {
  const d = plan.denoiser.dimension;
  for (let i = 0; i < plan.chains; i++) {
    const eta = stepAt(plan, stepSize, level[i]!);
    langevinStep(eta, x, work.score, work.normals, i * d, d, work.proposal);
  }
}

async function densities(
  { law, chains: n, levels, denoiser }: ChainPlan,
  x: Float64Array,
  out: Float64Array,
  turn: Turn,
  { signal }: Context,
): Promise<void> {
  const d = denoiser.dimension;
  for (let i = 0; i < n; i++) {
    law.logDensities(x, i * d, out, i * levels.length);
    if (turn.due()) await turn.pause(signal);
  }
}

/** Accept or reject, in place. */
function take(plan: ChainPlan, { x, level, work, stepSize, moves, taken }: Chains): number {
  const { chains: n, levels, mode, denoiser } = plan;
  const d = denoiser.dimension;
  const G = levels.length;
  const { proposal, proposed, score, newDensity, logDensity, accept } = work;
  let accepted = 0;
  for (let i = 0; i < n; i++) {
    const g = level[i]!;
    moves[g]!++;
    if (mode === 'exact') {
      const eta = stepAt(plan, stepSize, g);
      const ratio = logProposalRatio(eta, x, score, proposal, proposed, i * d, d);
      if (!(log(accept[i]!) < newDensity[i * G + g]! - logDensity[i * G + g]! + ratio)) continue;
    }
    accepted++;
    taken[g]!++;
    for (let c = i * d; c < (i + 1) * d; c++) x[c] = proposal[c]!;
    for (let c = i * G; c < (i + 1) * G; c++) logDensity[c] = newDensity[c]!;
  }
  return accepted / n;
}

/** Levels given x: a draw, or the most probable. */
export async function drawLevels(
  { mode, logPrior, chains: n }: ChainPlan,
  { level, work }: Chains,
  cycle: number,
  { rng, backend }: Context,
): Promise<void> {
  const G = logPrior.length;
  const { draws, logDensity } = work;
  const exact = mode === 'exact';
  if (exact) {
    const address = [...rng.key, 0, cycle, channel(PURPOSE.noiseLevel)] as const;
    await backend.dispatch('uniform', [draws, G, ...address], n);
  }
  for (let i = 0; i < n; i++) {
    let [best, most] = [0, -Infinity];
    for (let g = 0; g < G; g++) {
      const gumbel = exact ? -log(-log(draws[i * G + g]!)) : 0;
      const value = logPrior[g]! + logDensity[i * G + g]! + gumbel;
      if (value > most) [best, most] = [g, value];
    }
    level[i] = best;
  }
}
