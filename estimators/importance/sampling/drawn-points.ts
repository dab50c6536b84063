import type { StateArray } from '../../../engine/array/codec.ts';
import type { PointFailure } from '../../../engine/errors.ts';
import {
  KEPT_FAILURES,
  type MissingPolicy,
  modelFailure,
  NUMBER_INSTEAD,
} from '../../../engine/model/missing.ts';
import { openPointSet } from '../../../engine/random/point-set.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import { channel } from '../../../engine/random/rng.ts';
import type { Context } from '../../../engine/sampler.ts';
import type { Density } from '../../../engine/types.ts';
import type { TargetModel } from './target-model.ts';

/** Points of a proposal with the target and the model at them: the first `done` rows. */
export interface DrawnPoints {
  /** Points there is room for. */
  readonly planned: number;
  /** [planned, d] */
  readonly x: Float64Array;
  /** [planned, k] once k is known; NaN where the target has no mass. */
  y: Float64Array;
  /** [planned] log f. */
  readonly logTarget: Float64Array;
  done: number;
  failed: number;
  readonly failures: PointFailure[];
}

export function emptyPoints(planned: number, d: number): DrawnPoints {
  return {
    planned,
    x: new Float64Array(planned * d),
    y: new Float64Array(0),
    logTarget: new Float64Array(planned),
    done: 0,
    failed: 0,
    failures: [],
  };
}

/** Which points of a proposal. */
export interface Draw {
  readonly design: 'sobol' | 'iid';
  readonly law: Density;
  /** Number of the randomisation, or of the stage. */
  readonly replicate: number;
  /** Of its points, the first. */
  readonly first: number;
  readonly n: number;
}

/** Points first .. first + n - 1 of a design, through the transport of a law, into x [n, d] of an arena. */
export async function drawInto(
  { design, law, replicate, first, n }: Draw,
  ctx: Context,
  x: Float64Array,
): Promise<void> {
  const { rng, backend } = ctx;
  const { dimension } = law;
  if (design === 'sobol') {
    const set = await openPointSet({ name: 'sobol', dimension, points: first + n, rng, replicate });
    await set.fill(x, first, n, backend);
  } else {
    const [k0, k1] = rng.key;
    await backend.dispatch('uniform', [x, dimension, k0, k1, first, replicate, channel(PURPOSE.point)], n);
  }
  const rows = x.subarray(0, n * dimension);
  law.transport(rows, rows);
}

/** What evaluating points needs to know of a method. */
export interface WeighingPlan {
  readonly where: string;
  readonly names: readonly string[];
  readonly missing: Exclude<MissingPolicy, 'drop-row'>;
}

/**
 * Draw n points and add them with their outputs.
 * @throws ModelError when the model fails and `missing` is 'error'; ValueError when the log density is NaN.
 */
export async function addPoints(
  points: DrawnPoints,
  draw: Draw,
  model: TargetModel,
  plan: WeighingPlan,
  ctx: Context,
): Promise<void> {
  const { n, law } = draw;
  const arena = ctx.backend.arena();
  try {
    const x = arena.f64(n * law.dimension);
    await drawInto(draw, ctx, x);
    const logTarget = points.logTarget.subarray(points.done, points.done + n);
    await model.logTarget(x, n, logTarget);
    const { y, failures } = await model.evaluate(x, n, logTarget);
    settle(points, plan, model, y, failures);
    points.x.set(x, points.done * law.dimension);
    points.done += n;
  } finally {
    arena.release();
  }
}

/** Add points whose target is known already, with the outputs there. */
export async function addEvaluated(
  points: DrawnPoints,
  x: Float64Array,
  logTarget: Float64Array,
  model: TargetModel,
  plan: WeighingPlan,
  { backend }: Context,
): Promise<void> {
  const n = logTarget.length;
  const arena = backend.arena();
  try {
    const rows = arena.f64(x.length);
    rows.set(x);
    const { y, failures } = await model.evaluate(rows, n, logTarget);
    points.logTarget.set(logTarget, points.done);
    settle(points, plan, model, y, failures);
    points.x.set(x, points.done * (x.length / n));
    points.done += n;
  } finally {
    arena.release();
  }
}

function settle(
  points: DrawnPoints,
  { where, names, missing }: WeighingPlan,
  { outputs, evaluations }: TargetModel,
  y: Float64Array,
  failures: readonly PointFailure[],
): void {
  const k = outputs.length;
  if (points.y.length === 0) points.y = new Float64Array(points.planned * k).fill(Number.NaN);
  points.failed += failures.length;
  const kept = failures.map((failure) => ({ ...failure, index: points.done + failure.index }));
  points.failures.push(...kept.slice(0, Math.max(0, KEPT_FAILURES - points.failures.length)));
  if (failures.length > 0 && missing === 'error')
    throw modelFailure(where, names, points.failures, points.failed, evaluations, NUMBER_INSTEAD);
  for (const { index } of failures) y.fill(missing as number, index * k, (index + 1) * k);
  points.y.set(y, points.done * k);
}

/** Points as a snapshot holds them. */
export interface SavedPoints {
  readonly done: number;
  readonly failed: number;
  readonly failures: readonly (Omit<PointFailure, 'input'> & { readonly input: readonly number[] })[];
}

export function savedPoints(
  points: DrawnPoints,
  d: number,
): {
  readonly header: SavedPoints;
  readonly arrays: Readonly<Record<'x' | 'y' | 'logTarget', Float64Array>>;
} {
  const { done, failed, planned } = points;
  const failures = points.failures.map((failure) => ({ ...failure, input: [...failure.input] }));
  const k = points.y.length / planned;
  const arrays = {
    x: points.x.subarray(0, done * d),
    y: points.y.subarray(0, done * k),
    logTarget: points.logTarget.subarray(0, done),
  };
  return { header: { done, failed, failures }, arrays };
}

/** @param k number of outputs. */
export function restoredPoints(
  { done, failed, failures }: SavedPoints,
  arrays: Readonly<Record<string, StateArray>>,
  planned: number,
  d: number,
  k: number,
): DrawnPoints {
  const points = emptyPoints(planned, d);
  points.x.set(arrays.x ?? []);
  points.logTarget.set(arrays.logTarget ?? []);
  points.y = new Float64Array(planned * k).fill(Number.NaN);
  points.y.set(arrays.y ?? []);
  const listed = failures.map((failure) => ({ ...failure, input: Float64Array.from(failure.input) }));
  return { ...points, done, failed, failures: listed };
}
