import type { Backend } from '../backend/backend.ts';
import { defaultBackend } from '../backend/choose.ts';
import { checkCount, checkOneOf, checkOptionNames, show } from '../check.ts';
import { OptionError, ShapeError } from '../errors.ts';
import { PURPOSE } from '../random/purpose.ts';
import { channel, rngFromSeed } from '../random/rng.ts';
import { normal } from '../wasm/twins/normal.ts';
import { checkIntegrator, chosenGrid, evenGrid } from './check-grid.ts';
import { checkSchedule } from './check-schedule.ts';
import type { Denoiser, Prediction, Times } from './denoiser.ts';
import { type Grid, gridPoint } from './grid.ts';
import { type NetworkTime, networkTime } from './network-time.ts';
import { openDenoiser } from './open-denoiser.ts';
import { type NetworkForm, preconditionedDenoiser, preconditioning } from './preconditioned.ts';
import { convert } from './prediction.ts';
import type { NoiseSchedule } from './schedule.ts';
import { dpmSolverPlusPlus } from './solver/dpm-solver.ts';
import { openIntegration } from './solver/driver.ts';
import type { NoiseSupply } from './solver/machine.ts';
import type { Integrator, Operation } from './solver/program.ts';

/*
 * The integrators for those who own the loop, by the conventions of diffusers: the network is asked by the caller, who hands
 * its prediction to `step`.
 *
 *   for (const t of steps.timesteps) x = (await steps.step(await network(steps.scaleModelInput(x, t), t), t, x)).previous
 *
 * The integrator runs as everywhere else; it only waits where it would ask a denoiser.
 */

export interface SchedulerOptions {
  readonly schedule: NoiseSchedule;
  /** Default `dpmSolverPlusPlus()`. */
  readonly integrator?: Integrator;
  /** What the network returns; `form` in its place for networks inside of EDM's wrapper. Default 'noise'. */
  readonly prediction?: Prediction;
  readonly form?: NetworkForm;
  /** Of form 'edm'. Default 0.5. */
  readonly dataDeviation?: number;
  /** What `timesteps` says, unless `form` does. Default 'time'. */
  readonly time?: NetworkTime;
  /** M, of 'index' and of forms with a table. Default 1000. */
  readonly steps?: number;
  /** d: numbers of a row. */
  readonly dimension: number;
  /** n: rows of the batch. */
  readonly particles: number;
  /** Of all rows, whose noise is that of particles 0..n-1 of a run; or [n], each row the only one of its seed. Default 0. */
  readonly seed?: number | readonly number[];
  /** Default: the best this machine has. */
  readonly backend?: Backend;
}

export interface SchedulerStep {
  /** [n, d] where the network is asked next, or the sample after the last timestep. */
  readonly previous: Float64Array;
  /** [n, d] E[x_0] by this prediction. */
  readonly clean: Float64Array;
}

export interface Scheduler {
  /** What the network is told at each call of `step`; an integrator that evaluates twice a step has two for it. */
  readonly timesteps: Float64Array;
  /** The diffusion times of these. */
  readonly times: Float64Array;
  /** Standard deviation of x at the first of them. */
  readonly initNoiseSigma: number;
  /**
   * Begin anew with `count` steps, even in the log-SNR as in `reverseDiffusion`, or on a grid. Without it there are 50.
   * @throws OptionError
   */
  setTimesteps(count: number | Grid): void;
  /**
   * Begin at x [n, d], by default noise of the seed at the noisiest time: x where the network is asked first, which some
   * integrators move before they ask. A loop may as well begin with any x and `step`.
   */
  start(x?: ArrayLike<number>): Promise<Float64Array>;
  /** x as the network takes it: itself, or scaled by the wrapper of `form`. */
  scaleModelInput(x: ArrayLike<number>, timestep: number): Float64Array;
  /**
   * Hand over the prediction [n, d] at x [n, d]; x may have been changed since it was returned.
   * @throws OptionError for another timestep than the next one; ShapeError; ValueError for NaN, naming time and rows.
   */
  step(prediction: ArrayLike<number>, timestep: number, x: ArrayLike<number>): Promise<SchedulerStep>;
  /** Give the memory back; `setTimesteps` begins anew. */
  release(): void;
}

const WHERE = 'scheduler';
const OPTIONS = [
  ...['schedule', 'integrator', 'prediction', 'form', 'dataDeviation', 'time', 'steps', 'dimension'],
  ...['particles', 'seed', 'backend'],
];

/** @throws OptionError for bad options. */
export function scheduler(options: SchedulerOptions): Scheduler {
  const plan = checkOptions(options);
  let current = begin(plan, 50);
  return {
    get timesteps() {
      return current.timesteps;
    },
    get times() {
      return current.times;
    },
    get initNoiseSigma() {
      return current.grid.points[0]!.noise;
    },
    setTimesteps(count) {
      const next = begin(plan, count);
      current.release();
      current = next;
    },
    async start(x) {
      if (x !== undefined) checkRows(plan, 'x', x);
      return current.start(x ?? firstNoise(plan, current.grid));
    },
    scaleModelInput(x, timestep) {
      const { form, dataDeviation, steps, schedule } = options;
      const at = current.timesteps.indexOf(timestep);
      if (at < 0) throw wrongTimestep(timestep, current);
      checkRows(plan, 'x', x);
      if (form === undefined) return Float64Array.from(x);
      const { noise, signal } = gridPoint(schedule, current.times[at]!);
      const scale = preconditioning(form, dataDeviation, steps)(noise / signal).into / signal;
      return Float64Array.from(x, (value) => scale * value);
    },
    step: (prediction, timestep, x) => current.step(prediction, timestep, x),
    release: () => current.release(),
  };
}

interface Plan {
  readonly options: SchedulerOptions;
  readonly integrator: Integrator;
  readonly prediction: Prediction;
  labelOf(time: number): number;
  /** [n] or one for all. */
  readonly keys: readonly (readonly [number, number])[];
}

function checkOptions(options: SchedulerOptions): Plan {
  checkOptionNames(WHERE, options, OPTIONS);
  const { schedule, form, dataDeviation, steps, seed = 0, particles, time } = options;
  checkSchedule(WHERE, 'schedule', schedule);
  checkCount(WHERE, 'dimension', options.dimension, { min: 1 });
  checkCount(WHERE, 'particles', particles, { min: 1 });
  const integrator = options.integrator ?? dpmSolverPlusPlus();
  checkIntegrator(WHERE, integrator);
  const predictions = ['clean', 'noise', 'score', 'v', 'flow'] as const;
  const prediction = checkOneOf(WHERE, 'prediction', options.prediction ?? 'noise', predictions);
  if (form !== undefined) checkOneOf(WHERE, 'form', form, ['edm', 'vp', 've', 'iddpm'] as const);
  const twice = (['prediction', 'time'] as const).find(
    (name) => form !== undefined && options[name] !== undefined,
  );
  if (twice !== undefined)
    throw bad(twice, options[twice], `options \`form\` and \`${twice}\` are given together`, 'one of them');
  if (Array.isArray(seed) && seed.length !== particles)
    throw bad(
      'seed',
      seed,
      `option \`seed\` has ${seed.length} seeds`,
      `one, or ${particles}, a seed for each row`,
    );
  const told = networkTime(WHERE, schedule, time ?? 'time', steps);
  const labelOf = (t: number): number =>
    form === undefined
      ? told(t)
      : preconditioning(form, dataDeviation, steps)(schedule.noise(t) / schedule.signal(t)).label;
  const seeds = typeof seed === 'number' ? [seed] : seed;
  return { options, integrator, prediction, labelOf, keys: seeds.map((each) => rngFromSeed(each).key) };
}

function firstNoise(plan: Plan, { points }: Grid): Float64Array {
  const { dimension: d, particles } = plan.options;
  const x = new Float64Array(particles * d);
  draw(plan, 0, channel(PURPOSE.init), x);
  const { noise } = points[0]!;
  return x.map((z) => noise * z);
}

/** Standard normals of all rows: of one key by particle, or each row by its own. */
function draw({ options, keys }: Plan, step: number, last: number, out: Float64Array): void {
  const { dimension: d, particles: n } = options;
  if (keys.length === 1) normal(out, d, ...keys[0]!, 0, step, last, 0, n);
  else
    for (const [i, key] of keys.entries())
      normal(out.subarray(i * d, (i + 1) * d), d, ...key, 0, step, last, 0, 1);
}

/** One way from noise to data. */
interface Loop {
  readonly grid: Grid;
  readonly times: Float64Array;
  readonly timesteps: Float64Array;
  step: Scheduler['step'];
  start(x: ArrayLike<number>): Promise<Float64Array>;
  release(): void;
}

/** A place where the integrator waits for a prediction: a view of the register in which its x is. */
interface Question {
  readonly x: Float64Array;
  readonly time: Times;
  answer(values: Float64Array): void;
}

function begin(plan: Plan, count: number | Grid): Loop {
  const { options, integrator, labelOf } = plan;
  const { schedule } = options;
  const choice = typeof count === 'object' && count !== null ? { grid: count } : { steps: count };
  const grid = chosenGrid(WHERE, choice, {
    ...{ schedule, owner: 'the scheduler', steps: 50 },
    make: (steps) => evenGrid(schedule, steps),
  });
  const times = Float64Array.from(
    integrator
      .program(grid)
      .steps.flat()
      .flatMap((each) => timeOf(integrator, each)),
  );
  const timesteps = times.map(labelOf);
  let done = 0;
  let opened: Promise<Course> | undefined;
  return {
    grid,
    times,
    timesteps,
    async start(x) {
      const before = opened;
      done = 0;
      opened = openCourse(plan, grid, x);
      (await before)?.release();
      return (await opened).first;
    },
    async step(prediction, timestep, x) {
      if (timestep !== timesteps[done]) throw wrongTimestep(timestep, { timesteps, done });
      checkRows(plan, 'prediction', prediction);
      checkRows(plan, 'x', x);
      opened ??= openCourse(plan, grid, x);
      const course = await opened;
      const clean = await cleanOf(plan, prediction, times[done]!, x);
      const previous = await course.answer(prediction, x);
      done++;
      return { previous, clean };
    },
    release() {
      done = timesteps.length;
      opened?.then((course) => course.release()).catch(() => {});
    },
  };
}

/** When an operation asks the network. */
function timeOf(integrator: Integrator, operation: Operation): readonly number[] {
  if (operation.kind !== 'evaluate' && operation.kind !== 'langevin') return [];
  if (operation.kind !== 'evaluate' || operation.chooseTimes === undefined) return [operation.at.time];
  const found = `${integrator.name} chooses a time for each row`;
  throw bad(
    'integrator',
    integrator.name,
    found,
    'times that are known before',
    'Use it by reverseDiffusion().',
  );
}

/** An integrator under way. */
interface Course {
  /** x where the first prediction is wanted. */
  readonly first: Float64Array;
  /** Go on with a prediction, to x where the next one is wanted, or the end. */
  answer(prediction: ArrayLike<number>, x: ArrayLike<number>): Promise<Float64Array>;
  release(): void;
}

async function openCourse(plan: Plan, grid: Grid, x: ArrayLike<number>): Promise<Course> {
  const { options, integrator, keys } = plan;
  const { particles, dimension: d } = options;
  const backend = options.backend ?? (await defaultBackend());
  const waiting = makeExchange();
  const denoiser = openDenoiser({ where: WHERE, denoiser: askedDenoiser(plan, waiting.ask), backend });
  const own: NoiseSupply = (step, index, out) => draw(plan, step, channel(PURPOSE.diffusion, index), out);
  const integration = openIntegration({
    ...{ where: WHERE, integrator, denoiser, grids: [grid], particles, backend },
    ...(keys.length === 1 ? {} : { noise: own }),
  });
  const seed = options.seed ?? 0;
  const rng = rngFromSeed(typeof seed === 'number' ? seed : 0);
  integration.x().set(x);
  // Listened to before anything is asked.
  const first = waiting.next();
  const going = (async () => {
    for (let step = 0; step < integration.steps; step++) await integration.advance(step, rng);
  })();
  // Told where it is waited for.
  going.catch(() => {});
  let question = await Promise.race([first, going]);
  const end = (): Float64Array => integration.x().slice(0, particles * d);
  return {
    // Every integrator asks at least once a step.
    first: (question as Question).x.slice(),
    async answer(prediction, x) {
      const asked = question as Question;
      asked.x.set(x);
      const next = waiting.next();
      asked.answer(Float64Array.from(prediction));
      question = await Promise.race([next, going]);
      if (question !== undefined) return question.x.slice();
      const last = end();
      integration.release();
      return last;
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
function askedDenoiser(
  { options, prediction }: Plan,
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

async function cleanOf(
  plan: Plan,
  prediction: ArrayLike<number>,
  time: number,
  x: ArrayLike<number>,
): Promise<Float64Array> {
  const { particles: n, dimension: d, schedule } = plan.options;
  const points = Float64Array.from(x);
  const out = new Float64Array(n * d);
  const values = Float64Array.from(prediction);
  const denoiser = askedDenoiser(plan, async () => values);
  const found = Float64Array.from((await denoiser.predict(points, time, out)) ?? out);
  // NaN where there is no signal and the prediction does not tell.
  if (convert(denoiser.prediction, 'clean', schedule, points, found, time, n, d, out) >= 0)
    out.fill(Number.NaN);
  return out;
}

function checkRows({ options }: Plan, what: string, values: ArrayLike<number>): void {
  const { particles: n, dimension: d } = options;
  if (values?.length === n * d) return;
  throw new ShapeError({
    where: WHERE,
    found: `\`${what}\` has ${values?.length} numbers`,
    expected: `${n * d}, ${n} rows of ${d}`,
  });
}

function wrongTimestep(
  timestep: unknown,
  { timesteps, done = 0 }: { timesteps: Float64Array; done?: number },
): OptionError {
  const over = done >= timesteps.length;
  const found = `the timestep is ${show(timestep)}${over ? ' after the last one' : ''}`;
  const expected = over ? 'no more steps' : `${timesteps[done]}, number ${done} of \`timesteps\``;
  return bad('timestep', timestep, found, expected, over ? 'setTimesteps(count) begins anew.' : undefined);
}

function bad(option: string, value: unknown, found: string, expected: string, fix?: string): OptionError {
  return new OptionError({
    where: WHERE,
    option,
    value,
    found,
    expected,
    ...(fix === undefined ? {} : { fix }),
  });
}
