import type { Backend } from '../../../engine/backend/backend.ts';
import { exp, log } from '../../../engine/wasm/twins/elementary.ts';
import {
  type ComponentDensities,
  componentDensities,
  logDensities,
  logMixed,
} from './component-densities.ts';
import type { Evaluated, Integrands } from './integrands.ts';
import { stands } from './ladder.ts';
import { logLawMixture } from './law-mixture.ts';
import type { Proposal } from './proposal.ts';
import { ratioOf } from './ratio.ts';

/**
 * All adapting points, each weighted by the whole history.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | X | x | [n, d] |
 * | phi, S_e | phi, scores | [n, J], [n, E] |
 * | f_l = law e^top | law, top | [n, L], [n] |
 * | log q_0 | logMixture | [n] |
 * | log h = log sum_t q_t / stages | logBalance | [n] |
 *
 * All stages have the same number of points, so that h is the plain mean of their mixtures q_t.
 */
export interface History {
  readonly perStage: number;
  /** The mixture each stage was drawn from; rows t perStage .. of stage t. */
  readonly proposals: Proposal[];
  readonly x: Float64Array;
  readonly phi: Float64Array;
  readonly law: Float64Array;
  readonly top: Float64Array;
  readonly scores: Float64Array;
  readonly logMixture: Float64Array;
  readonly logBalance: Float64Array;
}

/** Room for `stages` stages. */
export function emptyHistory(integrands: Integrands, perStage: number, stages: number): History {
  const n = perStage * stages;
  return {
    perStage,
    proposals: [],
    x: new Float64Array(n * integrands.dimension),
    phi: new Float64Array(n * integrands.count),
    law: new Float64Array(n * integrands.laws),
    top: new Float64Array(n),
    scores: new Float64Array(n * integrands.events.length),
    logMixture: new Float64Array(n),
    logBalance: new Float64Array(n),
  };
}

/** Rows so far. */
export function rowsOf(history: History): number {
  return history.proposals.length * history.perStage;
}

/** A stage's points. */
export interface StagePoints {
  /** What they were drawn from. */
  readonly proposal: Proposal;
  /** [n] g_alpha / h of `proposal` at the points of earlier stages. */
  readonly mixed: Float64Array;
  readonly x: Float64Array;
  readonly evaluated: Evaluated;
}

/**
 * Takes a stage's points in; h is brought up to date everywhere.
 * @returns the components at the new points, of their proposal and of the one before it.
 */
export async function append(
  backend: Backend,
  history: History,
  { proposal, mixed, x, evaluated }: StagePoints,
  lawShare: Float64Array,
): Promise<{ readonly fresh: ComponentDensities; readonly before: ComponentDensities }> {
  const { perStage, proposals, logMixture, logBalance } = history;
  const from = rowsOf(history);
  const to = from + perStage;
  const earlier = proposals.length;
  history.x.set(x, from * proposal.dimension);
  history.phi.set(evaluated.phi, from * proposal.count);
  history.law.set(evaluated.law, from * lawShare.length);
  history.top.set(evaluated.top, from);
  history.scores.set(evaluated.scores, earlier * evaluated.scores.length);
  logLawMixture(evaluated, lawShare, logMixture, from);
  for (let i = 0; i < from; i++) logBalance[i]! += log((earlier + mixed[i]!) / (earlier + 1));
  proposals.push(proposal);
  let [fresh, before]: (ComponentDensities | undefined)[] = [];
  for (const [t, q] of proposals.entries()) {
    const known = logMixture.subarray(from, to);
    let own: Float64Array;
    if (t < earlier - 1) own = await logDensities(backend, q, x, known);
    else {
      before = fresh;
      const full = await componentDensities(backend, q, x, known);
      fresh = full;
      own = Float64Array.from(known, (_, i) => logMixed(full, i));
    }
    for (let i = 0; i < perStage; i++)
      logBalance[from + i] = t === 0 ? own[i]! : joinedMean(logBalance[from + i]!, own[i]!, t);
  }
  return { fresh: fresh!, before: before ?? fresh! };
}

/** log of (m e^a + e^b) / (m + 1). */
function joinedMean(a: number, b: number, m: number): number {
  const most = Math.max(a, b);
  return most === -Infinity ? most : most + log((m * exp(a - most) + exp(b - most)) / (m + 1));
}

/**
 * phi_j f_j / reference at rows 0..n-1 into out [n, J]. An event j with a rung below 0 is represented by the wider one.
 * @param logReference [n] log of the density under the ratio.
 * @param rung [J]; absent: the functions themselves.
 */
export function weightedTerms(
  rows: Pick<History, 'phi' | 'law' | 'top' | 'scores'>,
  integrands: Pick<Integrands, 'count' | 'laws' | 'lawOf' | 'events'>,
  n: number,
  logReference: Float64Array,
  out: Float64Array,
  rung?: Float64Array,
): void {
  const { count, laws, lawOf, events } = integrands;
  const { phi, law, top, scores } = rows;
  for (let i = 0; i < n; i++) {
    const factor = ratioOf(top[i]! - logReference[i]!);
    const [to, from] = [i * count, i * laws];
    for (let j = 0; j < count; j++) out[to + j] = phi[to + j]! * (factor * law[from + lawOf[j]!]!);
    if (rung === undefined) continue;
    for (let e = 0; e < events.length; e++) {
      const j = events[e]!;
      if (rung[j] === 0) continue;
      out[to + j] = stands(scores[i * events.length + e]!, rung[j]!) * (factor * law[from + lawOf[j]!]!);
    }
  }
}
