import type { StateArray } from '../../../engine/array/codec.ts';
import { densityMixture } from '../../../engine/distribution/multivariate-mixture.ts';
import { multivariateNormal } from '../../../engine/distribution/multivariate-normal.ts';
import { DegeneracyError } from '../../../engine/errors.ts';
import type { Score } from '../../../engine/model/score.ts';
import type { Context } from '../../../engine/sampler.ts';
import type { Density } from '../../../engine/types.ts';
import {
  type BalanceHistory,
  balanceLogWeight,
  emptyHistory,
  extended,
  joined,
} from '../sampling/balance-history.ts';
import { drawInto } from '../sampling/drawn-points.ts';
import { type FittedLaw, fitLaw, lawOf } from '../sampling/fitted-law.ts';
import { type CrossEntropyPlan, WHERE } from './cross-entropy-plan.ts';

/** Where a run stands. */
export interface CrossEntropyState {
  readonly key: readonly [number, number];
  readonly score: Score;
  history: BalanceHistory;
  /** [n] scores of the history. */
  scores: Float64Array;
  /** Laws fitted so far; stage t > 0 is drawn from the one before it. */
  readonly fits: FittedLaw[];
  /** Levels as scores, 0 being the event. */
  readonly levels: { readonly value: number; readonly share: number }[];
  readonly final: FinalPoints;
}

/** The first `done` of the points drawn afresh from the final proposal. */
export interface FinalPoints {
  /** [points, d] standard normals. */
  readonly z: Float64Array;
  /** [points] log f - log q. */
  readonly logWeight: Float64Array;
  readonly score: Float64Array;
  done: number;
}

/** Most points a step. */
const CHUNK = 8192;
/**
 * Of a component in any direction. With variance v < 1 the weights of N(0, 1) have a tail of Pareto shape 1 - v: their
 * variance is infinite below 1/2, as it is of the normal law that fits a half-space best.
 */
const LEAST_VARIANCE = 2 / 3;
/** Stages without progress after which the levels are given up. */
const STALLED = 3;

export function startState(
  { space, points }: CrossEntropyPlan,
  score: Score,
  key: readonly [number, number],
): CrossEntropyState {
  const d = space.dimension;
  const final = {
    z: new Float64Array(points * d),
    logWeight: new Float64Array(points),
    score: new Float64Array(points),
    done: 0,
  };
  const scores = new Float64Array(0);
  return { key, score, history: emptyHistory(d), scores, fits: [], levels: [], final };
}

/** The law of the inputs as standard normals. */
export function standardNormal(d: number): Density {
  const identity = Array.from({ length: d }, (_, r) =>
    Array.from({ length: d }, (__, c) => (r === c ? 1 : 0)),
  );
  return multivariateNormal(new Array(d).fill(0), identity);
}

/** Whether the adaptation has ended: the event was reached and one more stage drawn for it, or there is no progress. */
export function adapted({ levels }: CrossEntropyState, { stages }: CrossEntropyPlan): boolean {
  if (levels.length >= stages) return true;
  const reached = levels.findIndex(({ value }) => value === 0);
  if (reached >= 0) return levels.length > reached + 1;
  if (levels.length <= STALLED) return false;
  const last = levels[levels.length - 1]!.value;
  return levels.slice(-1 - STALLED, -1).every(({ value }) => value >= last);
}

/**
 * Draw a stage, raise the level, and fit the next law to the points of all stages that reach it, by balance weights.
 * @throws DegeneracyError when all scores of the first stage are one number outside the event.
 */
export async function adapt(
  state: CrossEntropyState,
  { space, stagePoints: n, share, components }: CrossEntropyPlan,
  ctx: Context,
): Promise<void> {
  const d = space.dimension;
  const base = standardNormal(d);
  const stage = state.history.stages.length;
  const law = stage === 0 ? base : lawOf(state.fits[stage - 1]!);
  const arena = ctx.backend.arena();
  try {
    const z = arena.f64(n * d);
    await drawInto({ design: 'iid', law, replicate: stage, first: 0, n }, ctx, z);
    const score = new Float64Array(n);
    await state.score.evaluate(z, n, score);
    if (stage === 0) checkScores(score);
    const logTarget = new Float64Array(n);
    base.logDensity(z, logTarget);
    state.history = extended(state.history, law, z, logTarget);
    state.scores = joined(state.scores, score);
    state.levels.push(nextLevel(score, share));
  } finally {
    arena.release();
  }
  const reached = state.levels.some(({ value }) => value === 0);
  const level = state.levels[stage]!.value;
  const logWeight = balanceLogWeight(state.history).map((w, i) =>
    (reached ? state.scores[i]! > 0 : state.scores[i]! >= level) ? w : -Infinity,
  );
  const fitted = fitLaw(state.history.x, logWeight, { components, leastVariance: LEAST_VARIANCE });
  state.fits.push(fitted ?? state.fits[stage - 1] ?? normalFit(d));
}

/** The score that a share of the points reaches, or 0 when that many are in the event. */
function nextLevel(score: Float64Array, share: number): { value: number; share: number } {
  const sorted = score.slice().sort();
  const n = sorted.length;
  const value = sorted[n - Math.ceil(share * n)]!;
  if (value > 0) return { value: 0, share: score.filter((y) => y > 0).length / n };
  return {
    value: value === 0 ? -Number.MIN_VALUE : value,
    share: score.filter((y) => y >= value).length / n,
  };
}

function normalFit(d: number): FittedLaw {
  const covariance = Array.from({ length: d }, (_, r) =>
    Array.from({ length: d }, (__, c) => (r === c ? 1 : 0)),
  );
  return { components: [{ weight: 1, mean: new Array<number>(d).fill(0), covariance }] };
}

/** The last fit, with the laws of all stages for a share of the points. */
export function finalLaw({ fits, history }: CrossEntropyState, { defensive }: CrossEntropyPlan): Density {
  const last = lawOf(fits[fits.length - 1]!);
  const { stages } = history;
  const shares = stages.map(() => defensive / stages.length);
  return densityMixture([last, ...stages.map(({ law }) => law)], [1 - defensive, ...shares]);
}

/** Draw the next points of the final stage. */
export async function drawFinal(
  state: CrossEntropyState,
  plan: CrossEntropyPlan,
  ctx: Context,
): Promise<void> {
  const { final, history } = state;
  const d = plan.space.dimension;
  const law = finalLaw(state, plan);
  const first = final.done;
  const n = Math.min(CHUNK, plan.points - first);
  const arena = ctx.backend.arena();
  try {
    const z = arena.f64(n * d);
    await drawInto({ design: 'iid', law, replicate: history.stages.length, first, n }, ctx, z);
    await state.score.evaluate(z, n, final.score.subarray(first, first + n));
    const logTarget = new Float64Array(n);
    const logProposal = new Float64Array(n);
    standardNormal(d).logDensity(z, logTarget);
    law.logDensity(z, logProposal);
    for (let i = 0; i < n; i++) final.logWeight[first + i] = logTarget[i]! - logProposal[i]!;
    final.z.set(z, first * d);
    final.done += n;
  } finally {
    arena.release();
  }
}

function checkScores(score: Float64Array): void {
  if (score[0]! > 0 || score.some((y) => y !== score[0])) return;
  throw new DegeneracyError({
    where: WHERE,
    found: `all points have the same score at the start, ${-score[0]!} short of the event`,
    expected: 'outputs that tell which inputs are nearer to the event',
    fix: 'Use more points, or an output that grows towards the event rather than 0 or 1.',
  });
}

/** A state as data. */
export interface SavedState {
  readonly fits: readonly FittedLaw[];
  readonly levels: CrossEntropyState['levels'];
  readonly sizes: readonly number[];
  readonly done: number;
}

export function savedState(state: CrossEntropyState): {
  readonly header: SavedState;
  readonly arrays: Readonly<Record<string, Float64Array>>;
} {
  const { fits, levels, history, scores, final } = state;
  const { done } = final;
  const { x, logTarget, logMixture, stages, dimension } = history;
  return {
    header: { fits, levels, sizes: stages.map(({ points }) => points), done },
    arrays: {
      ...{ x, logTarget, logMixture, scores },
      z: final.z.subarray(0, done * dimension),
      logWeight: final.logWeight.subarray(0, done),
      score: final.score.subarray(0, done),
    },
  };
}

export function restoredState(
  fresh: CrossEntropyState,
  { fits, levels, sizes, done }: SavedState,
  arrays: Readonly<Record<string, StateArray>>,
): CrossEntropyState {
  const d = fresh.history.dimension;
  const array = (name: string): Float64Array => arrays[name] as Float64Array;
  const stages = sizes.map((points, t) => ({
    law: t === 0 ? standardNormal(d) : lawOf(fits[t - 1]!),
    points,
  }));
  fresh.final.z.set(array('z'));
  fresh.final.logWeight.set(array('logWeight'));
  fresh.final.score.set(array('score'));
  fresh.final.done = done;
  const [x, logTarget, logMixture] = [array('x'), array('logTarget'), array('logMixture')];
  return {
    ...fresh,
    history: { dimension: d, x, logTarget, logMixture, stages },
    scores: array('scores'),
    fits: [...fits],
    levels: [...levels],
  };
}
