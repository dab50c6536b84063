import { logNormalizerStepVariance } from '../../../engine/diagnostics/chain-variance.ts';
import type { ChainStates, DensityRows, MarkovKernel, MoveTarget } from '../../../engine/kernel/kernel.ts';
import { type Repetition, repeatMoves } from '../../../engine/kernel/repeat.ts';
import { normalizedWeight } from '../../../engine/particles/log-weight.ts';
import type { FieldSpec, FieldSpecs } from '../../../engine/particles/particles.ts';
import type { FeynmanKac, SmcPopulation, SmcRun } from '../../../engine/particles/smc/feynman-kac.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import { channel } from '../../../engine/random/rng.ts';
import type { Density } from '../../../engine/types.ts';
import { uniform } from '../../../engine/wasm/twins/philox.ts';
import type { FrozenSchedule } from './types.ts';

/*
 * A sequence of targets on one space as a Feynman-Kac model. A step is: resample; move by a kernel that keeps the target
 * chosen before; choose the next one; weight the points by the ratio of the two. So the potential
 * G_t = gamma_t / gamma_{t-1} is taken at the point before the move that keeps gamma_t (Del Moral, Doucet & Jasra 2006).
 */

/** How the targets of one run follow one another. */
export interface Course {
  /** Choose the next target, and write the log increments [N] towards it. */
  aim(step: number, population: SmcPopulation, increment: Float64Array): void | Promise<void>;
  /** What likelihoods add to the target that was chosen last. */
  factor(): Pick<MoveTarget, 'factor' | 'slope'>;
  /** Log likelihood of rows under that target. */
  readonly likelihood: DensityRows;
  /** Whether gradients kept with the particles belong to an earlier target. */
  readonly staleGradients: boolean;
  /** Whether particles move only when they were resampled. */
  readonly restsUnlessResampled: boolean;
  /** Where the target lies: inverse temperature, or number of data. */
  readonly at: number;
  /** Whether it is the last one. */
  readonly over: boolean;
  /** Where data come in one by one: log normalizing constant after each so far; NaN inside batches of a fixed size. */
  readonly running?: readonly number[];
  snapshot(): unknown;
  restore(saved: unknown): void;
}

/** Moves of each particle, and their mean acceptance: NaN when there were none. */
export interface Moved {
  readonly moves: number;
  readonly acceptance: number;
}

export const NO_MOVES: Moved = { moves: 0, acceptance: Number.NaN };

/** What one run did in its last step. */
export interface StepReport {
  /** At the target before, with which the step began. */
  moved: Moved;
  /** At the target that the step chose: only when it is the last. */
  last: Moved;
  tuning: Readonly<Record<string, unknown>>;
  /** Waste-free: what the step adds to the variance of the log normalizing constant; else NaN. */
  variance: number;
  /** How many times more that is than if all points were independent: the states that a chain remembers. */
  memory: number;
}

export interface MovingOptions {
  readonly prior: Density;
  readonly priorRows: DensityRows;
  readonly course: Course;
  readonly kernel: MarkovKernel;
  readonly particles: number;
  /** M; N without waste-free chains. */
  readonly chains: number;
  readonly moveCount: Repetition;
  readonly tune: boolean;
  readonly finalMoves: number;
  readonly frozen: FrozenSchedule | undefined;
  readonly report: StepReport;
}

/** Fields of a particle: point, densities and, for kernels that need them, their gradients. */
export function movingFields(dimension: number, gradient: boolean): FieldSpecs {
  const one: FieldSpec = { components: 1 };
  const row: FieldSpec = { components: dimension };
  const densities = { x: row, logPrior: one, logLikelihood: one };
  return gradient ? { ...densities, priorGradient: row, likelihoodGradient: row } : densities;
}

export function movingModel(options: MovingOptions): FeynmanKac {
  const { prior, priorRows, course, kernel, particles, frozen, report } = options;
  const gradient = kernel.needs === 'gradient';
  const fields = movingFields(prior.dimension, gradient);
  const increment = new Float64Array(particles);
  return {
    fields,
    steps: undefined,
    block: Infinity,
    async init(run) {
      const states = statesOf(run, fields, 0, run.count);
      const { x, logPrior, logLikelihood, priorGradient, likelihoodGradient } = states;
      uniform(x, prior.dimension, ...run.rng.key, 0, 0, channel(PURPOSE.init), 0, run.count);
      prior.transport(x, x);
      await priorRows(x, run.count, logPrior, priorGradient);
      await course.likelihood(x, run.count, logLikelihood, likelihoodGradient);
    },
    async mutate(step, run) {
      for (const name of Object.keys(fields)) run.field(name).set(run.parent(name));
      const rests = course.restsUnlessResampled && !run.resampled;
      report.moved = rests ? NO_MOVES : await moveAll(options, run, fields, step);
    },
    aim: (step, population) => course.aim(step, population, increment),
    logPotential(_step, _run, out) {
      out.set(increment);
    },
    async calibrate(step, population) {
      const x = population.field('x') as Float64Array;
      if (frozen !== undefined) kernel.restore(rowAt(frozen.tuning, step));
      else if (options.tune) kernel.tune({ x, logWeight: population.logWeight });
      report.tuning = kernel.snapshot();
      if (options.chains < particles) readChains(options, population, step);
      const most = options.finalMoves;
      if (course.over && most > 0)
        report.last = await moveAs(options, population, fields, step + 1, { until: 'count', most });
    },
    done: () => course.over,
    snapshot: () => ({ course: course.snapshot(), kernel: kernel.snapshot() }),
    restore(saved) {
      const choices = saved as { course: unknown; kernel: Readonly<Record<string, unknown>> };
      course.restore(choices.course);
      kernel.restore(choices.kernel);
    },
  };
}

function rowAt<T>(rows: readonly T[], step: number): T {
  return rows[Math.min(step, rows.length - 1)]!;
}

/** Rows lo..hi-1 of the particles as chains. */
function statesOf(run: SmcRun, fields: FieldSpecs, lo: number, hi: number): ChainStates {
  const rows = (name: string): Float64Array => {
    const { components: k } = fields[name]!;
    return run.field(name).subarray(lo * k, hi * k) as Float64Array;
  };
  const densities = {
    count: hi - lo,
    x: rows('x'),
    logPrior: rows('logPrior'),
    logLikelihood: rows('logLikelihood'),
  };
  if (fields.priorGradient === undefined) return densities;
  return {
    ...densities,
    priorGradient: rows('priorGradient'),
    likelihoodGradient: rows('likelihoodGradient'),
  };
}

/** The moves of one step. */
async function moveAll(
  options: MovingOptions,
  run: SmcRun,
  fields: FieldSpecs,
  step: number,
): Promise<Moved> {
  const { chains, particles, frozen, moveCount } = options;
  if (chains < particles) return extendChains(options, run, fields, step);
  const most = frozen === undefined ? 0 : frozenMoves(frozen, step - 1);
  return moveAs(options, run, fields, step, most === 0 ? moveCount : { until: 'count', most });
}

/** Moves at a target; where the first run had none, because it did not resample there, as many as at its busiest. */
function frozenMoves({ moves }: FrozenSchedule, step: number): number {
  return rowAt(moves, step) || Math.max(1, ...moves);
}

async function refresh(options: MovingOptions, states: ChainStates): Promise<void> {
  const { course } = options;
  if (states.likelihoodGradient === undefined || !course.staleGradients) return;
  await course.likelihood(states.x, states.count, states.logLikelihood, states.likelihoodGradient);
}

function moveTarget({ prior, priorRows, course }: MovingOptions): MoveTarget {
  return {
    dimension: prior.dimension,
    logPrior: priorRows,
    logLikelihood: course.likelihood,
    ...course.factor(),
  };
}

async function moveAs(
  options: MovingOptions,
  run: SmcRun,
  fields: FieldSpecs,
  step: number,
  rule: Repetition,
): Promise<Moved> {
  const states = statesOf(run, fields, 0, run.count);
  await refresh(options, states);
  return repeatMoves(options.kernel, rule, states, moveTarget(options), { rng: run.rng, step, move: 0 });
}

/** Waste-free: slots p M .. p M + M - 1 become the states of the M chains after p moves. */
async function extendChains(
  options: MovingOptions,
  run: SmcRun,
  fields: FieldSpecs,
  step: number,
): Promise<Moved> {
  const { chains, particles, kernel } = options;
  const target = moveTarget(options);
  await refresh(options, statesOf(run, fields, 0, chains));
  const positions = particles / chains;
  let acceptance = 0;
  for (let p = 1; p < positions; p++) {
    for (const [name, { components: k }] of Object.entries(fields))
      run.field(name).copyWithin(p * chains * k, (p - 1) * chains * k, p * chains * k);
    const states = statesOf(run, fields, p * chains, (p + 1) * chains);
    acceptance += (await kernel.move(states, target, { rng: run.rng, step, move: p })).acceptance;
  }
  return { moves: positions - 1, acceptance: acceptance / (positions - 1) };
}

/** At step 0 the points are independent; afterwards they are chains, and all weights come from this step. */
function readChains(options: MovingOptions, population: SmcPopulation, step: number): void {
  const { chains, particles, report } = options;
  const weight = normalizedWeight(population.logWeight);
  const alone = logNormalizerStepVariance(weight, particles).variance;
  report.variance = step === 0 ? alone : logNormalizerStepVariance(weight, chains).variance;
  report.memory = alone > 0 ? report.variance / alone : 1;
}
