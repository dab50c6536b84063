import type { Backend } from '../backend/backend.ts';
import { defaultBackend } from '../backend/choose.ts';
import { PURPOSE } from '../random/purpose.ts';
import { channel, rngFromSeed } from '../random/rng.ts';
import { normal } from '../wasm/twins/normal.ts';
import type { Denoiser, Prediction, Times } from './denoiser.ts';
import type { Grid } from './grid.ts';
import { openDenoiser } from './open-denoiser.ts';
import { preconditionedDenoiser } from './preconditioned.ts';
import type { SchedulerOptions } from './scheduler-types.ts';
import { openIntegration } from './solver/driver.ts';
import type { NoiseSupply } from './solver/machine.ts';
import type { Integrator } from './solver/program.ts';

/*
 * An integrator that waits for predictions.
 */

/** Checked options of a scheduler. */
export interface SchedulerPlan {
  readonly options: SchedulerOptions;
  readonly integrator: Integrator;
  readonly prediction: Prediction;
  labelOf(time: number): number;
  /** [n] or one for all. */
  readonly keys: readonly (readonly [number, number])[];
}

/** Standard normals of all rows: of one key by particle, or each row by its own. */
export function draw({ options, keys }: SchedulerPlan, step: number, last: number, out: Float64Array): void {
  const { dimension: d, particles: n } = options;
  if (keys.length === 1) normal(out, d, ...keys[0]!, 0, step, last, 0, n);
  else
    for (const [i, key] of keys.entries())
      normal(out.subarray(i * d, (i + 1) * d), d, ...key, 0, step, last, 0, 1);
}

/** `draw` times sigma at the first point, where kernels make it if all rows have one key. */
async function firstNoise(
  plan: SchedulerPlan,
  backend: Backend,
  grid: Grid,
  out: Float64Array,
): Promise<void> {
  const { options, keys } = plan;
  const last = channel(PURPOSE.init);
  if (keys.length > 1) draw(plan, 0, last, out);
  else await backend.dispatch('normal', [out, options.dimension, ...keys[0]!, 0, 0, last], options.particles);
  const { noise } = grid.points[0]!;
  for (let at = 0; at < out.length; at++) out[at] = noise * out[at]!;
}

/** The array itself where it is one. */
export function asFloat64(values: ArrayLike<number>): Float64Array {
  return values instanceof Float64Array ? values : Float64Array.from(values);
}

/** A place where the integrator waits for a prediction: a view of the register in which its x is. */
interface Question {
  readonly x: Float64Array;
  readonly time: Times;
  answer(values: Float64Array): void;
}

/** An integrator under way. */
export interface Course {
  /** x where the first prediction is wanted. */
  readonly first: Float64Array;
  /** Go on with a prediction, to x where the next one is wanted, or the end. */
  answer(prediction: ArrayLike<number>, x: ArrayLike<number>): Promise<Float64Array>;
  gather(ancestor: Uint32Array): void;
  release(): void;
}

/** @param x where to begin, by default noise of the first point of the grid. */
export async function openCourse(
  plan: SchedulerPlan,
  grid: Grid,
  x: ArrayLike<number> | undefined,
): Promise<Course> {
  const { options, integrator, keys } = plan;
  const { particles, dimension: d } = options;
  const backend = options.backend ?? (await defaultBackend());
  const waiting = makeExchange();
  const denoiser = openDenoiser({ where: 'scheduler', denoiser: askedDenoiser(plan, waiting.ask), backend });
  const own: NoiseSupply = (step, index, out) => draw(plan, step, channel(PURPOSE.diffusion, index), out);
  const integration = openIntegration({
    ...{ where: 'scheduler', integrator, denoiser, grids: [grid], particles, backend },
    ...(keys.length === 1 ? {} : { noise: own }),
  });
  const seed = options.seed ?? 0;
  const rng = rngFromSeed(typeof seed === 'number' ? seed : 0);
  if (x !== undefined) integration.x().set(x);
  else await firstNoise(plan, backend, grid, integration.x());
  // Listened to before anything is asked.
  const first = waiting.next();
  const going = (async () => {
    for (let step = 0; step < integration.steps; step++) await integration.advance(step, rng);
  })();
  // Told where it is waited for.
  going.catch(() => {});
  let question = await Promise.race([first, going]);
  /** To gather into, by register. */
  const rooms = new Map<string, Float64Array>();
  const end = (): Float64Array => integration.x().slice(0, particles * d);
  return {
    // Every integrator asks at least once a step.
    first: (question as Question).x.slice(),
    async answer(prediction, x) {
      const asked = question as Question;
      asked.x.set(x);
      const next = waiting.next();
      // Read before anything is asked again.
      asked.answer(asFloat64(prediction));
      question = await Promise.race([next, going]);
      if (question !== undefined) return question.x.slice();
      const last = end();
      integration.release();
      return last;
    },
    gather(ancestor) {
      // In place: the integrator holds views of its registers while it waits.
      const saved = integration.snapshot();
      for (const [name, from] of Object.entries(saved)) {
        const into = rooms.get(name) ?? new Float64Array(from.length);
        for (const [i, a] of ancestor.entries()) into.set(from.subarray(a * d, (a + 1) * d), i * d);
        rooms.set(name, into);
      }
      integration.restore(Object.fromEntries(rooms));
    },
    release: () => integration.release(),
  };
}

/** Questions one after the other. */
function makeExchange(): {
  next(): Promise<Question>;
  ask(x: Float64Array, time: Times): Promise<Float64Array>;
} {
  let tell: (question: Question) => void = () => {};
  return {
    next: () =>
      new Promise((resolve) => {
        tell = resolve;
      }),
    ask: (x, time) => new Promise((answer) => tell({ x, time, answer })),
  };
}

/** A denoiser that asks the caller. */
export function askedDenoiser(
  { options, prediction }: SchedulerPlan,
  ask: (x: Float64Array, time: Times) => Promise<Float64Array>,
): Denoiser {
  const { dimension, schedule, form, particles: rows, dataDeviation, steps } = options;
  const own = { name: 'what was handed to step', dimension, schedule, rows };
  if (form === undefined) return { ...own, prediction, predict: ask };
  const more = {
    ...(dataDeviation === undefined ? {} : { dataDeviation }),
    ...(steps === undefined ? {} : { steps }),
  };
  return {
    ...own,
    prediction: 'clean',
    async predict(x, time, out) {
      const values = await ask(x, time);
      await preconditionedDenoiser({ ...own, form, ...more, network: () => values }).predict(x, time, out);
      return out;
    },
  };
}
