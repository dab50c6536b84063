import type { Backend } from '../../engine/backend/backend.ts';
import type { ModelError, PointFailure } from '../../engine/errors.ts';
import type { Evaluator } from '../../engine/model/evaluator.ts';
import { KEPT_FAILURES, modelFailure } from '../../engine/model/missing.ts';
import type { Rng } from '../../engine/random/rng.ts';
import type { Context, Info, Step } from '../../engine/sampler.ts';
import { type Analysis, answerOf, mainRow, type Ready, rowOf } from './answer.ts';
import type { Estimates } from './estimates.ts';
import type { Finding } from './finding.ts';
import type { Keeper, KeeperPlan } from './keeper.ts';
import type { GrowthPlan } from './plan.ts';
import { centreProgram, type Quantities } from './quantities.ts';
import type { Segment } from './store.ts';

/** Everything about a run that does not change. */
export interface Blueprint extends KeeperPlan {
  readonly growth: GrowthPlan;
  readonly short: Quantities;
}

/** A run under way; only this family reads it. */
export interface SobolState {
  readonly evaluator: Evaluator;
  readonly keeper: Keeper;
  readonly rng: Rng;
  readonly backend: Backend;
  readonly cache: Map<string, Estimates>;
  /** Base points a replicate shall have; doubles while growing. */
  perReplicate: number;
  /** Base points every replicate has: the size of the last complete design, 0 at first. */
  settled: number;
  /** Base points evaluated of each replicate. */
  readonly filled: number[];
  /** Base points of the next chunk. */
  chunk: number;
  readonly failures: PointFailure[];
  failed: number;
  dropped: number;
  finished: boolean;
}

const FIRST_ROWS = 256;
const GROWTH = 4;
/** A chunk that takes longer than this, in milliseconds, is too large. Chunks never change results. */
const LONG = 250;

/** A run that has not evaluated anything. */
export function openState(
  evaluator: Evaluator,
  keeper: Keeper,
  ctx: Context,
  { design }: Blueprint,
): SobolState {
  const { replicates, perReplicate } = design.points;
  return {
    evaluator,
    keeper,
    rng: ctx.rng,
    backend: ctx.backend,
    cache: new Map(),
    perReplicate,
    settled: 0,
    filled: new Array<number>(replicates).fill(0),
    chunk: Math.max(keeper.grain, Math.floor(FIRST_ROWS / design.layout.rows)),
    failures: [],
    failed: 0,
    dropped: 0,
    finished: false,
  };
}

/** Evaluate the next base points of the first replicate that is not complete. */
export async function evaluateChunk(state: SobolState, blueprint: Blueprint): Promise<void> {
  const replicate = state.filled.findIndex((n) => n < state.perReplicate);
  if (replicate < 0) return;
  const first = state.filled[replicate]!;
  const n = Math.min(state.chunk, state.keeper.capacity, state.perReplicate - first);
  const start = performance.now();
  const { failures, dropped } = await state.keeper.evaluate(replicate, first, n);
  paceChunk(state, performance.now() - start);
  tellFailures(state, failures, blueprint);
  state.dropped += dropped;
  state.filled[replicate] = first + n;
  if (state.filled.some((count) => count < state.perReplicate)) return;
  state.settled = state.perReplicate;
  if (state.filled.length * state.settled - state.dropped < 2) throw failure(state, blueprint);
}

/** @throws ModelError when there are failures and none is allowed. */
function tellFailures(state: SobolState, failures: readonly PointFailure[], blueprint: Blueprint): void {
  if (failures.length === 0) return;
  state.failed += failures.length;
  state.failures.push(...failures.slice(0, Math.max(0, KEPT_FAILURES - state.failures.length)));
  if (blueprint.plan.missing === 'error') throw failure(state, blueprint);
}

function failure(state: SobolState, { design }: Blueprint): ModelError {
  const { failures, failed, evaluator } = state;
  return modelFailure(design.where, design.space.names, failures, failed, evaluator.evaluations);
}

/** Fast models get chunks up to the capacity; slow ones keep answering. */
function paceChunk(state: SobolState, milliseconds: number): void {
  const { grain, capacity } = state.keeper;
  const factor = Math.min(GROWTH, LONG / 2 / milliseconds);
  state.chunk = Math.min(capacity, Math.max(grain, grain * Math.floor((state.chunk * factor) / grain)));
}

/** What of the rows can be analysed now. */
export function readyOf(state: SobolState, { design }: Blueprint): Ready {
  const { filled, perReplicate, settled } = state;
  const independent = design.design !== 'sobol';
  const whole = filled.filter((n) => n === perReplicate).length;
  const segment = (n: number, r: number): Segment => ({ from: r * perReplicate, n });
  const segments =
    settled > 0
      ? filled.map((_, r) => segment(settled, r))
      : whole > 0 && !independent
        ? filled.slice(0, whole).map(segment)
        : filled.map(segment).filter(({ n }) => n > 0);
  const complete = settled > 0 ? filled.length : whole;
  return { segments, complete, dropped: droppedIn(state, segments), independent };
}

function droppedIn({ dropped, keeper }: SobolState, segments: readonly Segment[]): number {
  const { store } = keeper;
  if (dropped === 0 || store.kind === 'sums') return 0;
  let count = 0;
  for (const { from, n } of segments) {
    for (let p = from; p < from + n; p++) count += store.dropped[p]!;
  }
  return count;
}

/** The analysis of a run. */
export function analysisOf(state: SobolState, { plan, quantities, short, design }: Blueprint): Analysis {
  const centreWords = centreProgram(design.layout);
  return { backend: state.backend, rng: state.rng, plan, quantities, short, centreWords, cache: state.cache };
}

/** The run as a result sees it. */
export function findingOf(state: SobolState, blueprint: Blueprint): Finding {
  return {
    design: blueprint.design,
    analysis: analysisOf(state, blueprint),
    store: state.keeper.store,
    ready: readyOf(state, blueprint),
    filled: [...state.filled],
    outputs: state.evaluator.outputs,
    failures: state.failures,
    failed: state.failed,
    info: infoOf(state, blueprint),
    place: state.evaluator.place,
    until: state.finished ? blueprint.growth.until : undefined,
  };
}

function infoOf(state: SobolState, { design, growth }: Blueprint): Omit<Info, 'warnings'> {
  const points = state.filled.reduce((sum, n) => sum + n, 0);
  const runs = state.perReplicate * state.filled.length * design.layout.rows;
  return {
    ess: points - state.dropped,
    evaluations: state.evaluator.evaluations,
    done: points * design.layout.rows,
    total: growth.until === undefined || state.finished ? runs : undefined,
  };
}

/** The state as a step of the runner. */
export function stepOf(state: SobolState, blueprint: Blueprint): Step<SobolState> {
  const { design, plan } = blueprint;
  const warnings = [...design.points.warnings, ...plan.warnings];
  return { state, done: state.finished, info: { ...infoOf(state, blueprint), warnings } };
}

/**
 * When all replicates are complete: finish, or double every replicate if a target half-width is not reached.
 * Scrambles go on where they stopped, so the doubled design is that of a run started with twice the points.
 */
export async function growWhenWide(state: SobolState, blueprint: Blueprint): Promise<void> {
  if (state.settled !== state.perReplicate) return;
  const { growth } = blueprint;
  const next = 2 * state.perReplicate;
  const room = next * state.filled.length <= growth.maxPoints && state.keeper.fits(next);
  if (growth.until === undefined || !room || (await widest(state, blueprint)) <= growth.until) {
    state.finished = true;
    return;
  }
  resize(state, next);
}

/** Room for `perReplicate` base points in each replicate, keeping what is there. */
export function resize(state: SobolState, perReplicate: number): void {
  state.perReplicate = perReplicate;
  state.cache.clear();
  state.keeper.resize(perReplicate, state.filled);
}

/**
 * The widest half-width of the total indices; of the aggregate for several outputs. Infinity when an index has no value
 * although the output varies: some replicate or resample saw no variance, and more points will. 0 for a constant.
 */
async function widest(state: SobolState, blueprint: Blueprint): Promise<number> {
  const { quantities } = blueprint;
  const { store } = state.keeper;
  const answer = await answerOf(analysisOf(state, blueprint), store, readyOf(state, blueprint));
  const { value, low, high } = rowOf(answer, quantities, mainRow(store.outputs));
  const varies = value[quantities.variance]! > 0;
  let half = 0;
  for (let q = quantities.total.from; q < quantities.total.from + quantities.total.count; q++) {
    if (varies && Number.isNaN(value[q]!)) return Infinity;
    const own = (high[q]! - low[q]!) / 2;
    if (own > half) half = own;
  }
  return half;
}

/** Give back what a run holds. Idempotent. */
export function releaseState(state: SobolState): void {
  state.evaluator.dispose();
  state.keeper.release();
}
