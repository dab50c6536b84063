import type { OpenDenoiser } from '../../engine/diffusion/denoiser.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { channel } from '../../engine/random/rng.ts';
import type { Context } from '../../engine/sampler.ts';
import { makeTurn } from '../../engine/turn.ts';
import { log } from '../../engine/wasm/twins/elementary.ts';
import { openLevelWork } from './level-draws.ts';
import type { ChainPlan } from './plan.ts';
import type { Chains } from './state.ts';

/*
 * Moves of the chain on p(x, sigma) = p_sigma(x) p(sigma) at the level it is at, n chains at once, x in units of the data:
 *
 *   x' = x + (eta / 2) s(x) + sqrt(eta) z,   s = grad log p_sigma
 *   accepted with probability min(1, e^a),
 *   a = log p_sigma(x') - log p_sigma(x) - |x - x' - (eta / 2) s(x')|^2 / (2 eta) + |x' - x - (eta / 2) s(x)|^2 / (2 eta)
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | x, x' | x, proposal | [n, d] |
 * | s(x), s(x') | score, proposed | [n, d] |
 * | index of sigma | level | [n] |
 * | log p_sigma of x and x' | logDensity, newDensity | [n] |
 * | eta | stepAt | |
 *
 * Under a schedule x_t = alpha x, the score of x is alpha times that of x_t. Modes 'unadjusted' and 'published' take every x'.
 */

/** Empty chains; fill `x`, then draw the levels. */
export function openChains(plan: ChainPlan, ctx: Context): Chains {
  const { chains: n, levels, denoiser } = plan;
  const d = denoiser.dimension;
  const arena = ctx.backend.arena();
  return {
    x: arena.f64(n * d),
    level: arena.u32(n),
    moves: new Uint32Array(levels.length),
    taken: new Uint32Array(levels.length),
    stepSize: plan.stepSize,
    work: {
      proposal: arena.f64(n * d),
      noised: arena.f64(n * d),
      score: arena.f64(n * d),
      proposed: arena.f64(n * d),
      normals: arena.f64(n * d),
      accept: arena.f64(n),
      times: arena.f64(n),
      logDensity: arena.f64(n),
      newDensity: arena.f64(n),
      levels: openLevelWork(plan, arena),
      arena,
      turn: makeTurn(),
    },
  };
}

/** The moves of cycle `cycle` in all chains. Returns the accepted share. Draws are addressed by (cycle, move, chain). */
export async function moveChains(
  plan: ChainPlan,
  chains: Chains,
  denoiser: OpenDenoiser,
  cycle: number,
  ctx: Context,
): Promise<number> {
  const { work } = chains;
  const { rng, backend } = ctx;
  const n = plan.chains;
  const at = [...rng.key, plan.first, cycle] as const;
  const d = denoiser.dimension;
  const exact = plan.mode === 'exact';
  let share = 0;
  await lookAt(plan, chains, denoiser, chains.x, work.score, work.logDensity, cycle);
  for (let move = 0; move < plan.moves; move++) {
    await backend.dispatch('normal', [work.normals, d, ...at, channel(PURPOSE.langevin, move)], n);
    propose(plan, chains);
    if (exact) {
      await backend.dispatch('uniform', [work.accept, 1, ...at, channel(PURPOSE.acceptance, move)], n);
      await lookAt(plan, chains, denoiser, work.proposal, work.proposed, work.newDensity, cycle);
    } else if (move + 1 < plan.moves)
      await lookAt(plan, chains, denoiser, work.proposal, work.proposed, work.newDensity, cycle);
    share += take(plan, chains) / plan.moves;
  }
  return share;
}

/** eta at a level. */
export function stepAt({ mode, leastVariance, levels }: ChainPlan, stepSize: number, level: number): number {
  return mode === 'published' ? stepSize : stepSize * (leastVariance + levels[level]! ** 2);
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

/** Scores of `x` at the levels of the chains; log densities as well where moves are accepted by them. */
async function lookAt(
  plan: ChainPlan,
  { level, work }: Chains,
  denoiser: OpenDenoiser,
  x: Float64Array,
  score: Float64Array,
  logDensity: Float64Array,
  cycle: number,
): Promise<void> {
  const { signals, times, chains: n, source, mode } = plan;
  const d = denoiser.dimension;
  for (let i = 0; i < n; i++) {
    const signal = signals[level[i]!]!;
    work.times[i] = times[level[i]!]!;
    for (let c = i * d; c < (i + 1) * d; c++) work.noised[c] = signal * x[c]!;
  }
  const ask = mode === 'exact' && source.kind !== 'known';
  await denoiser.evaluate(work.noised, work.times, n, ask ? { score, logDensity } : { score }, cycle);
  for (let i = 0; i < n; i++) {
    const signal = signals[level[i]!]!;
    for (let c = i * d; c < (i + 1) * d; c++) score[c] = signal * score[c]!;
    if (mode === 'exact' && source.kind === 'known')
      logDensity[i] = source.law.logDensity(x, i * d, level[i]!);
  }
}

function propose(plan: ChainPlan, { x, level, work, stepSize }: Chains): void {
  const d = plan.denoiser.dimension;
  for (let i = 0; i < plan.chains; i++) {
    const eta = stepAt(plan, stepSize, level[i]!);
    langevinStep(eta, x, work.score, work.normals, i * d, d, work.proposal);
  }
}

/** Accept or reject, in place. */
function take(plan: ChainPlan, { x, level, work, stepSize, moves, taken }: Chains): number {
  const { chains: n, mode, denoiser } = plan;
  const d = denoiser.dimension;
  const { proposal, proposed, score, newDensity, logDensity, accept } = work;
  let accepted = 0;
  for (let i = 0; i < n; i++) {
    const g = level[i]!;
    moves[g]!++;
    if (mode === 'exact') {
      const eta = stepAt(plan, stepSize, g);
      const ratio = logProposalRatio(eta, x, score, proposal, proposed, i * d, d);
      if (!(log(accept[i]!) < newDensity[i]! - logDensity[i]! + ratio)) continue;
      logDensity[i] = newDensity[i]!;
    }
    accepted++;
    taken[g]!++;
    for (let c = i * d; c < (i + 1) * d; c++) {
      x[c] = proposal[c]!;
      score[c] = proposed[c]!;
    }
  }
  return accepted / n;
}
