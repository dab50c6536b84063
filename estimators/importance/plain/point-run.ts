import { decodeState, encodeState } from '../../../engine/array/codec.ts';
import type { InputSpace } from '../../../engine/distribution/inputs.ts';
import { OptionError, type PointFailure } from '../../../engine/errors.ts';
import { type Evaluator, openEvaluator } from '../../../engine/model/evaluator.ts';
import { isOtherKernel } from '../../../engine/model/local.ts';
import {
  KEPT_FAILURES,
  type MissingPolicy,
  modelFailure,
  NUMBER_INSTEAD,
} from '../../../engine/model/missing.ts';
import type { ModelLike } from '../../../engine/model/model.ts';
import { savedAdapter } from '../../../engine/model/place.ts';
import { orRelease } from '../../../engine/or-release.ts';
import type { PointSet } from '../../../engine/random/point-set.ts';
import type { Context, Info, Result, Sampler, Step } from '../../../engine/sampler.ts';
import { checkSavedRun } from '../../../engine/saved-run.ts';
import type { Warning } from '../../../engine/types.ts';

/*
 * Evaluating a planned number of points, segment after segment, and keeping inputs and outputs: what every method
 * shares that knows beforehand how many points it takes. What the points are, and what is made of the outputs, is the
 * method's.
 */

const CHUNK = 16_384;

/** Points that come from one point set: a replicate, or a stage. */
export interface Segment {
  readonly index: number;
  /** Of all points, the first and the number of the segment. */
  readonly first: number;
  readonly points: number;
}

/** What a run of points must be told. */
export interface PointRunPlan {
  readonly where: string;
  readonly model: ModelLike;
  /** Names of the outputs, where they are known. */
  readonly outputs: readonly string[] | undefined;
  readonly space: InputSpace;
  /** In total. */
  readonly points: number;
  readonly missing: MissingPolicy;
  /** Whether rows may be left out, which is the advice where a model fails. */
  readonly mayDrop: boolean;
  /** What must agree between a snapshot and the method that resumes it. */
  readonly fingerprint: string;
  /** Tells kernels apart; undefined for other models. */
  readonly kernel: string | undefined;
  /** Most points a step. Default 16384. */
  readonly chunk?: number;
  /** The segment that the point with this number, counted from 0, belongs to. */
  segmentOf(point: number): Segment;
  /** Its points. All earlier segments are evaluated. */
  open(segment: Segment, state: PointRunState, ctx: Context): Promise<PointSet>;
}

/** Points so far: the first `done` rows of `x` [n, d] and, once k is known, of `y` [n, k]. */
export interface PointRunState {
  /** Key of the run's generator: a state goes on with the seed it was begun with. */
  readonly key: readonly [number, number];
  readonly evaluator: Evaluator;
  /** The point set of one segment, kept while its chunks are drawn. */
  set: { readonly segment: number; readonly points: PointSet } | undefined;
  readonly x: Float64Array;
  y: Float64Array;
  done: number;
  failed: number;
  readonly failures: PointFailure[];
}

/** A sampler but for its name, its sources and its answer. */
export type PointRun = Omit<Sampler<PointRunState, Result>, 'name' | 'sources' | 'result'>;

/**
 * Everything of a sampler but its answer. `init` evaluates the first chunk.
 * @throws ModelError when the model fails at a point and `missing` is 'error'.
 */
export function pointRun(plan: PointRunPlan): PointRun {
  const { where, model, space, points: planned } = plan;
  const open = ({ backend, signal }: Context, saved?: Restored): Promise<Evaluator> => {
    const outputs = saved?.outputs ?? plan.outputs;
    const known = outputs === undefined ? {} : { outputs };
    return openEvaluator(
      { where, model, names: space.names, ...known, planned, backend, signal },
      saved?.done,
      saved?.adapter,
    );
  };
  const step = (state: PointRunState, ctx: Context): Promise<Step<PointRunState>> =>
    evaluateChunk(state, ctx, plan);
  return {
    async init(ctx) {
      const x = new Float64Array(planned * space.dimension);
      const fresh = { set: undefined, x, y: new Float64Array(0), done: 0, failed: 0, failures: [] };
      const state = { key: ctx.rng.key, evaluator: await open(ctx), ...fresh };
      return orRelease(
        () => step(state, ctx),
        () => state.evaluator.dispose(),
      );
    },
    step,
    snapshot: async (state) => encode(state, plan),
    async restore(bytes, ctx) {
      const saved = decode(bytes, plan, ctx.rng.key);
      return report({ ...saved, set: undefined, evaluator: await open(ctx, saved) }, plan);
    },
    dispose: (state) => state.evaluator.dispose(),
  };
}

/** The state as a step of the runner. */
function report(state: PointRunState, plan: PointRunPlan): Step<PointRunState> {
  return { state, done: state.done === plan.points, info: runInfo(state, plan, []) };
}

/** Progress in points. */
export function runInfo(
  { done, failed, evaluator }: PointRunState,
  { points, missing }: Pick<PointRunPlan, 'points' | 'missing'>,
  warnings: readonly Warning[],
): Info {
  const ess = missing === 'drop-row' ? done - failed : done;
  return { ess, evaluations: evaluator.evaluations, warnings, done, total: points };
}

/** Draw and evaluate the next points of the current segment. */
async function evaluateChunk(
  state: PointRunState,
  ctx: Context,
  plan: PointRunPlan,
): Promise<Step<PointRunState>> {
  const { space, chunk = CHUNK } = plan;
  const d = space.dimension;
  const segment = plan.segmentOf(state.done);
  const first = state.done - segment.first;
  const n = Math.min(chunk, segment.points - first);
  if (state.set?.segment !== segment.index)
    state.set = { segment: segment.index, points: await plan.open(segment, state, ctx) };
  const arena = ctx.backend.arena();
  try {
    const x = arena.f64(n * d);
    await state.set.points.fill(x, first, n, ctx.backend);
    space.transport(x, x, n);
    const { y, failures } = await state.evaluator.evaluate(x, n);
    const k = state.evaluator.outputs.length;
    if (state.y.length === 0) state.y = new Float64Array(plan.points * k);
    state.x.set(x, state.done * d);
    state.y.set(y, state.done * k);
    settle(state, failures, k, plan);
    state.done += n;
  } finally {
    arena.release();
  }
  return report(state, plan);
}

/** Apply the missing-output policy to the failures of a chunk; failed rows are NaN in `y`. */
function settle(
  state: PointRunState,
  failures: readonly PointFailure[],
  k: number,
  { where, space, missing, mayDrop }: PointRunPlan,
): void {
  if (failures.length === 0) return;
  state.failed += failures.length;
  state.failures.push(...failures.slice(0, Math.max(0, KEPT_FAILURES - state.failures.length)));
  if (missing === 'error')
    throw modelFailure(
      where,
      space.names,
      state.failures,
      state.failed,
      state.evaluator.evaluations,
      mayDrop ? undefined : NUMBER_INSTEAD,
    );
  const value = missing === 'drop-row' ? Number.NaN : missing;
  for (const { index } of failures) state.y.fill(value, index * k, (index + 1) * k);
}

function encode(state: PointRunState, plan: PointRunPlan): Uint8Array {
  const { key, done, failed, evaluator } = state;
  const { outputs } = evaluator;
  const failures = state.failures.map((failure) => ({ ...failure, input: [...failure.input] }));
  const adapter = savedAdapter(evaluator.place);
  const made = { plan: plan.fingerprint, kernel: plan.kernel, key };
  const header: Saved = { ...made, done, failed, failures, outputs, adapter };
  const x = state.x.subarray(0, done * plan.space.dimension);
  return encodeState(header, { x, y: state.y.subarray(0, done * outputs.length) });
}

/** What a snapshot holds. */
interface Saved {
  readonly key: readonly [number, number];
  readonly plan: string;
  readonly kernel?: string | undefined;
  readonly done: number;
  readonly failed: number;
  readonly failures: readonly (Omit<PointFailure, 'input'> & { readonly input: readonly number[] })[];
  readonly outputs: readonly string[];
  /** The card that evaluated it. */
  readonly adapter?: string | undefined;
}

/** Everything a state needs but the evaluator. */
interface Restored extends Omit<PointRunState, 'evaluator' | 'set'> {
  readonly outputs: readonly string[];
  readonly adapter: string | undefined;
}

/** @throws OptionError when the bytes are no snapshot, or of a method with other options or another seed. */
function decode(bytes: Uint8Array, plan: PointRunPlan, key: readonly [number, number]): Restored {
  const { where, fingerprint, kernel, points, space } = plan;
  const { header, arrays } = decodeState(bytes);
  const saved = header as Saved | null;
  checkSavedRun(where, saved, { plan: fingerprint, key }, 'other inputs, design, points or replicates');
  if (isOtherKernel(saved.kernel, kernel)) {
    throw new OptionError({
      where,
      option: 'from',
      value: saved.kernel,
      found: 'the saved state belongs to a run with another kernel',
      expected: 'a snapshot of the same method with the same model',
    });
  }
  const { done, failed, outputs, adapter } = saved;
  const x = new Float64Array(points * space.dimension);
  const y = new Float64Array(points * outputs.length);
  x.set(arrays.x ?? []);
  y.set(arrays.y ?? []);
  const failures = saved.failures.map((failure) => ({ ...failure, input: Float64Array.from(failure.input) }));
  return { key, outputs, adapter, x, y, done, failed, failures };
}
