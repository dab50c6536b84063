import type { Arena, Backend } from '../../../engine/backend/backend.ts';
import { makeTurn } from '../../../engine/turn.ts';
import { densitiesIn } from './component-densities.ts';
import { controlled } from './controls.ts';
import { fitComponents } from './fit.ts';
import { type History, rowsOf, weightedTerms } from './history.ts';
import type { Integrands } from './integrands.ts';
import { roughness, type Weighting, weightingOf } from './loss.ts';
import { optimalShares, type ShareAnswer } from './mixture-weights.ts';
import { assemble, type NormalPart, type Proposal, partsOf } from './proposal.ts';
import { ratioOf } from './ratio.ts';
import type { AdaptationSettings } from './settings.ts';
import { widePart } from './wide-part.ts';

/**
 * What one adapting stage learns from all points so far: the components, and their shares.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | t_ij = phi_j f_j / h | terms | [n, J] |
 * | rho_ik = g_k / h | ratio | [n, J + 1] |
 * | B | control | [J, J + 1] |
 */
export interface Learned {
  readonly proposal: Proposal;
  readonly shares: ShareAnswer;
  readonly weighting: Weighting;
  /** g_k / h at all points so far, [n, J + 1], in the arena. */
  readonly ratio: Float64Array;
}

export interface LearnInput {
  readonly backend: Backend;
  /** Holds `ratio`, and what is only needed here. */
  readonly arena: Arena;
  readonly history: History;
  readonly integrands: Integrands;
  readonly settings: AdaptationSettings;
  /** B of the stage before. */
  readonly control: Float64Array;
  /** [J] */
  readonly rung: Float64Array;
  /** A uniform for the start of mixture j. */
  readonly start: (j: number) => number;
  readonly signal: AbortSignal;
}

/**
 * Certificate and steps at which the shares are good enough, and as released. Points and components change with every
 * stage: what more steps find on top is noise of the points at hand, and a stage begins where the one before ended.
 */
const ENOUGH = { steps: 20, tolerance: 1e-3 };
const AS_RELEASED = { steps: 200, tolerance: 1e-6 };
/** How much of the old shares a stage begins with; the rest is even, so that components can come back. */
const WARM = 0.9;

export async function learn(input: LearnInput): Promise<Learned> {
  const { backend, arena, history, integrands, settings, rung, signal } = input;
  const { count, dimension: d } = integrands;
  const n = rowsOf(history);
  const turn = makeTurn();
  const pause = () => turn.pause(signal);
  const terms = arena.f64(n * count);
  weightedTerms(history, integrands, n, history.logBalance, terms, rung);
  const { size, mean } = termMeans(terms, count);
  const weighting = weightingOf(settings, size, mean);
  await pause();
  const x = history.x.subarray(0, n * d);
  const fitted = await fitComponents(backend, x, d, terms, count, {
    kind: settings.proposal,
    absoluteRidge: settings.published,
    start: input.start,
  });
  const before = history.proposals.at(-1)!;
  const wide = settings.published ? undefined : widePart(history, integrands);
  const components = fitted.map((parts, j): readonly NormalPart[] => {
    if (parts === undefined) return partsOf(before, j);
    return wide === undefined ? parts : wide(parts, j, rung[j]!);
  });
  await pause();
  const shapes = assemble(d, components, before.share);
  const ratio = await ratios(backend, arena, shapes, history);
  const q = roughnessOf(terms, ratio, input.control, count, weighting);
  const least = leastShares(settings, count);
  const open = Array.from(least, (_, k) => k < count || settings.defensive > 0);
  const start =
    history.proposals.length === 1 ? firstShares(size, weighting) : warmShares(before.share, least);
  const limits = settings.published ? AS_RELEASED : ENOUGH;
  const shares = await optimalShares(backend, arena, { roughness: q, ratio, least, open }, start, limits);
  return { proposal: { ...shapes, share: shares.share }, shares, weighting, ratio };
}

/** Estimates of E|phi_j| and I_j from all points so far. */
function termMeans(
  terms: Float64Array,
  count: number,
): { readonly size: Float64Array; readonly mean: Float64Array } {
  const n = terms.length / count;
  const size = new Float64Array(count);
  const mean = new Float64Array(count);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < count; j++) {
      const term = terms[i * count + j]! / n;
      mean[j] = mean[j]! + term;
      size[j] = size[j]! + Math.abs(term);
    }
  return { size, mean };
}

/** g_k / h at all points so far, [n, J + 1]. */
async function ratios(
  backend: Backend,
  arena: Arena,
  proposal: Proposal,
  history: History,
): Promise<Float64Array> {
  const n = rowsOf(history);
  const width = proposal.count + 1;
  const x = history.x.subarray(0, n * proposal.dimension);
  const known = history.logMixture.subarray(0, n);
  const { scaled, top } = await densitiesIn(backend, arena, proposal, x, known);
  for (let i = 0; i < n; i++) {
    const factor = ratioOf(top[i]! - history.logBalance[i]!);
    for (let at = i * width; at < (i + 1) * width; at++) scaled[at] = factor * scaled[at]!;
  }
  return scaled;
}

/** q_i [n] of t_i - B rho_i. Overwrites the terms. */
function roughnessOf(
  terms: Float64Array,
  ratio: Float64Array,
  control: Float64Array,
  count: number,
  weighting: Weighting,
): Float64Array {
  const n = terms.length / count;
  controlled(terms, { scaled: ratio, mixed: new Float64Array(n).fill(1) }, control, count, terms);
  const q = new Float64Array(n);
  roughness(terms, count, weighting, q);
  return q;
}

/** [J + 1] the floor spread over the g_j, and the least share of the mixture of the laws. */
function leastShares({ floor, defensive }: AdaptationSettings, count: number): Float64Array {
  const least = new Float64Array(count + 1).fill(floor / count);
  least[count] = defensive;
  return least;
}

/** alpha_j in proportion to sqrt(w_j) E|phi_j|: near the best density there is without controls. */
function firstShares(size: Float64Array, weighting: Weighting): Float64Array {
  const count = size.length;
  const share = new Float64Array(count + 1);
  for (let j = 0; j < count; j++) share[j] = importance(weighting, j, count) * size[j]!;
  const total = share.reduce((sum, value) => sum + value, 0);
  if (!(total > 0)) return share.fill(1);
  share[count] = total / count;
  return share;
}

function importance(weighting: Weighting, j: number, count: number): number {
  if (weighting.kind === 'weights') return Math.sqrt(weighting.weight[j]!);
  let squares = 0;
  for (let at = j; at < weighting.gradient.length; at += count) squares += weighting.gradient[at]! ** 2;
  return Math.sqrt(squares);
}

/** The free part of the shares before, with a little of everything. */
function warmShares(share: Float64Array, least: Float64Array): Float64Array {
  const free = share.map((value, k) => Math.max(0, value - least[k]!));
  const total = free.reduce((sum, value) => sum + value, 0);
  return free.map((value) => (total > 0 ? (WARM * value) / total : 0) + (1 - WARM) / share.length);
}
