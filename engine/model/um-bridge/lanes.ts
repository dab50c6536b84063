import type { Backend } from '../../backend/backend.ts';
import { ModelError } from '../../errors.ts';
import type { Evaluator } from '../evaluator.ts';
import type { DensityWithGradient, LogDensity } from '../log-density.ts';
import { pointText } from '../missing.ts';
import type { ModelLike } from '../model.ts';

/** What is served. */
export type Served =
  | { readonly model: ModelLike; readonly outputs: readonly string[] }
  | { readonly logDensity: ModelLike | DensityWithGradient };

/** Points of many clients, evaluated in batches as large as they come. */
export interface Lanes {
  /** Whether `slope` can be asked. */
  readonly gradient: boolean;
  /** The outputs at x [d]; rejects with an Error that says what the model did. */
  value(x: Float64Array): Promise<Float64Array>;
  /** The gradient of a log density at x [d]. */
  slope(x: Float64Array): Promise<Float64Array>;
  dispose(): void;
}

/** One point that waits for its numbers. */
interface Waiting {
  readonly x: Float64Array;
  readonly slope: boolean;
  readonly resolve: (numbers: Float64Array) => void;
  readonly reject: (error: unknown) => void;
}

/** Evaluates one batch at a time. */
interface Lane {
  readonly gradient: boolean;
  run(batch: readonly Waiting[]): Promise<void>;
  dispose(): void;
}

/**
 * As many lanes as there are threads for a model that travels to workers, one for any other. A free lane takes its share
 * of the points that wait, so that slow models fill all threads and fast ones are asked for many points at once.
 */
export async function openLanes(
  where: string,
  served: Served,
  inputs: readonly string[],
  backend: Backend,
  signal: AbortSignal,
): Promise<Lanes> {
  const open = (): Promise<Lane> => openLane(where, served, inputs, backend, signal);
  const lanes = [await open()];
  while (travels(served) && lanes.length < backend.threads) lanes.push(await open());
  const queue: Waiting[] = [];
  const free = [...lanes];
  const next = (): void => {
    while (free.length > 0 && queue.length > 0) {
      const lane = free.pop()!;
      const batch = queue.splice(0, Math.ceil(queue.length / (free.length + 1)));
      void lane.run(batch).finally(() => {
        free.push(lane);
        next();
      });
    }
  };
  const wait = (x: Float64Array, slope: boolean): Promise<Float64Array> =>
    new Promise((resolve, reject) => {
      queue.push({ x, slope, resolve, reject });
      // Requests that arrive in the same turn go together.
      if (queue.length === 1) setImmediate(next);
    });
  return {
    gradient: lanes[0]!.gradient,
    value: (x) => wait(x, false),
    slope: (x) => wait(x, true),
    dispose() {
      for (const lane of lanes) lane.dispose();
    },
  };
}

function travels(served: Served): boolean {
  const model = 'model' in served ? served.model : served.logDensity;
  const { kind } = model as { readonly kind?: unknown };
  return kind === 'module' || kind === 'gpu-kernel';
}

async function openLane(
  where: string,
  served: Served,
  names: readonly string[],
  backend: Backend,
  signal: AbortSignal,
): Promise<Lane> {
  // Loaded here, so that whoever only asks servers need not load it.
  if ('model' in served) {
    const { model, outputs } = served;
    const { openEvaluator } = await import('../evaluator.ts');
    const shared = { where, model, names, outputs, planned: 1, backend, signal };
    return modelLane(await openEvaluator(shared), backend, names.length);
  }
  const { openLogDensity } = await import('../log-density.ts');
  const source = served.logDensity;
  const shared = { where, source, dimension: names.length, names, planned: 1, backend, signal };
  return densityLane(await openLogDensity(shared), backend, names.length);
}

/**
 * Names for as many outputs as the model returns at one point.
 * @throws ModelError when it fails there.
 */
export async function probedOutputs(
  where: string,
  model: ModelLike,
  names: readonly string[],
  probe: ArrayLike<number>,
  backend: Backend,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { openEvaluator } = await import('../evaluator.ts');
  const evaluator = await openEvaluator({ where, model, names, planned: 1, backend, signal });
  const arena = backend.arena();
  try {
    const x = arena.f64(names.length);
    x.set(probe);
    const { failures } = await evaluator.evaluate(x, 1);
    const failure = failures[0];
    if (failure === undefined) return evaluator.outputs;
    throw new ModelError({
      where,
      found: `the model ${failure.reason} at ${pointText(names, failure.input)}, where it was asked how many numbers it returns`,
      expected: 'finite numbers',
      fix: 'Name its `outputs`, and it is not asked.',
      failures,
    });
  } finally {
    arena.release();
    evaluator.dispose();
  }
}

/** Points in memory that workers share, for as many as there were at once. */
function pointsOf(
  backend: Backend,
  d: number,
): { of(batch: readonly Waiting[]): Float64Array; release(): void } {
  let arena = backend.arena();
  let room = arena.f64(0);
  return {
    of(batch) {
      if (room.length < batch.length * d) {
        arena.release();
        arena = backend.arena();
        room = arena.f64(2 * batch.length * d);
      }
      batch.forEach(({ x }, i) => {
        room.set(x, i * d);
      });
      return room;
    },
    release: () => arena.release(),
  };
}

function modelLane(evaluator: Evaluator, backend: Backend, d: number): Lane {
  const points = pointsOf(backend, d);
  return {
    gradient: false,
    async run(batch) {
      try {
        const before = evaluator.evaluations;
        const { y, failures } = await evaluator.evaluate(points.of(batch), batch.length);
        const k = evaluator.outputs.length;
        const reasons = new Map(failures.map(({ index, reason }) => [index - before, reason]));
        batch.forEach(({ resolve, reject }, i) => {
          const reason = reasons.get(i);
          if (reason === undefined) resolve(y.slice(i * k, (i + 1) * k));
          else reject(new Error(`The model ${reason}.`));
        });
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    },
    dispose() {
      points.release();
      evaluator.dispose();
    },
  };
}

function densityLane(density: LogDensity, backend: Backend, d: number): Lane {
  const points = pointsOf(backend, d);
  const numbers = async (batch: readonly Waiting[]): Promise<void> => {
    const n = batch.length;
    const sloped = batch.some(({ slope }) => slope);
    const out = new Float64Array(n);
    const gradient = sloped ? new Float64Array(n * d) : undefined;
    await density.evaluate(points.of(batch), n, out, gradient);
    batch.forEach(({ slope, resolve }, i) => {
      resolve(slope ? gradient!.slice(i * d, (i + 1) * d) : out.slice(i, i + 1));
    });
  };
  return {
    gradient: density.gradient,
    async run(batch) {
      try {
        await numbers(batch);
      } catch {
        // One bad point spoils a batch: each is asked alone, so that only its own client hears of it.
        for (const one of batch) await numbers([one]).catch(one.reject);
      }
    },
    dispose() {
      points.release();
      density.dispose();
    },
  };
}
