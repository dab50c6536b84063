import { checkCount, checkOneOf, checkOptionNames, show } from '../check.ts';
import { OptionError, ShapeError } from '../errors.ts';
import { rngFromSeed } from '../random/rng.ts';
import { checkIntegrator, chosenGrid, evenGrid } from './check-grid.ts';
import { checkSchedule } from './check-schedule.ts';
import { type Grid, gridPoint } from './grid.ts';
import { networkTime } from './network-time.ts';
import { preconditioning } from './preconditioned.ts';
import { convert } from './prediction.ts';
import { asFloat64, askedDenoiser, type Course, openCourse, type SchedulerPlan } from './scheduler-course.ts';
import type { Scheduler, SchedulerOptions } from './scheduler-types.ts';
import { dpmSolverPlusPlus } from './solver/dpm-solver.ts';
import type { Integrator, Operation } from './solver/program.ts';

/*
 * The integrators for those who own the loop, by the conventions of diffusers: the network is asked by the caller, who hands
 * its prediction to `step`.
 *
 *   for (const t of steps.timesteps) x = (await steps.step(await network(steps.scaleModelInput(x, t), t), t, x)).previous
 *
 * The integrator runs as everywhere else; it only waits where it would ask a denoiser. What runs in such a loop, with `correct`:
 *
 * | method | in the loop |
 * |---|---|
 * | plain sampling | `step` |
 * | Feynman-Kac correctors of guidance and products | `eulerMaruyama()`, `step` by the sum of predictions, `weighGuidance` |
 * | FK steering | `weighReward` by rewards of `clean` at each step, and of the sample at the last one |
 * | best of n | `weighReward` at the last step alone, and the row of the largest weight |
 *
 * Three own their loop, and take the pipeline's network as a denoiser, any async function `(x, time, out)`: `twisted` (TDS), whose moves
 * are pulled by derivatives through the denoiser; `treeSampler` (DTS), whose rows are at times of their own, and
 * `denoisingMcmc` (DLG), whose chains go up and down between noise levels.
 */

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
      return current.start(x);
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
    gather: (ancestor) => current.gather(ancestor),
    release: () => current.release(),
  };
}

function checkOptions(options: SchedulerOptions): SchedulerPlan {
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

/** One way from noise to data. */
interface Loop {
  readonly grid: Grid;
  readonly times: Float64Array;
  readonly timesteps: Float64Array;
  step: Scheduler['step'];
  start(x: ArrayLike<number> | undefined): Promise<Float64Array>;
  gather: Scheduler['gather'];
  release(): void;
}

function begin(plan: SchedulerPlan, count: number | Grid): Loop {
  const { options, integrator, labelOf } = plan;
  const { schedule } = options;
  const choice = typeof count === 'object' && count !== null ? { grid: count } : { steps: count };
  const grid = chosenGrid(WHERE, choice, {
    ...{ schedule, owner: 'the scheduler', steps: 50 },
    make: (steps) => evenGrid(schedule, steps),
  });
  const steps = integrator
    .program(grid)
    .steps.map((each) => each.flatMap((operation) => timeOf(integrator, operation)));
  const times = Float64Array.from(steps.flat());
  // Evaluations with which a step begins.
  const begins = new Set(steps.map((_, k) => steps.slice(0, k).flat().length));
  const timesteps = times.map(labelOf);
  let done = 0;
  let course: Course | undefined;
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
      course = await opened;
      const clean = await cleanOf(plan, prediction, times[done]!, x);
      const previous = await course.answer(prediction, x);
      done++;
      return { previous, clean };
    },
    gather(ancestor) {
      checkCount(WHERE, 'ancestor.length', ancestor.length, {
        min: options.particles,
        max: options.particles,
      });
      if (done === 0 || done === timesteps.length) return;
      if (!begins.has(done)) {
        const found = `${integrator.name} is between two evaluations of a step`;
        throw bad('ancestor', ancestor, found, 'resampling between two steps');
      }
      course?.gather(ancestor);
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

async function cleanOf(
  plan: SchedulerPlan,
  prediction: ArrayLike<number>,
  time: number,
  x: ArrayLike<number>,
): Promise<Float64Array> {
  const { particles: n, dimension: d, schedule, form } = plan.options;
  const [points, values] = [asFloat64(x), asFloat64(prediction)];
  const out = new Float64Array(n * d);
  const denoiser = askedDenoiser(plan, async () => values);
  if (form !== undefined) await denoiser.predict(points, time, out);
  const found = form === undefined ? values : out;
  // NaN where there is no signal and the prediction does not tell.
  if (convert(denoiser.prediction, 'clean', schedule, points, found, time, n, d, out) >= 0)
    out.fill(Number.NaN);
  return out;
}

function checkRows({ options }: SchedulerPlan, what: string, values: ArrayLike<number>): void {
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
