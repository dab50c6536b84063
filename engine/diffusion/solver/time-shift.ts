import { checkCount, checkNumber, checkOneOf, checkOptionNames } from '../../check.ts';
import { OptionError } from '../../errors.ts';
import type { Source } from '../../types.ts';
import type { NoiseSchedule } from '../schedule.ts';
import { combine, terms } from './operations.ts';
import type { Integrator, Operation, SolverProgram, TimeChoice } from './program.ts';
import { type Evaluate, predictionOf, rewritten } from './rewrite.ts';

/*
 * A network is called at the time whose noise fits the state best. With the table sigma_m^2, m = 0..T-1, of a state at the
 * nominal index n, v the variance over its coordinates:
 *
 *   n_s = the m nearest to v = sigma_m^2, among n - floor(w / 2) .. n + floor(w / 2), if n > cutoff, else n
 *   x_0, e = model(x, n_s);   the step goes on from alpha_n x_0 + sigma_n e
 *
 * | symbol | name here |
 * |---|---|
 * | T | table: entries, at times (m + 1) / T of the end of the schedule |
 * | w | window |
 * | v | statistic |
 *
 * This is variant A, of the paper and its DEIS code: for DDIM the next state is alpha x_0 + sigma e of the next nominal index.
 * The code for PNDM and DDIM moves the destination only (variant B), that for DPM-Solver takes the variance of the predicted
 * noise (variant C); neither is here. E v = alpha^2 Var(x_0) + sigma^2 is near sigma^2 only when there is much noise, hence
 * the cutoff. It corrects models that are biased, and makes exact ones slightly worse.
 */

const LI: Source = {
  authors: 'Li, M., Qu, T., Yao, R., Sun, W. & Moens, M.-F.',
  year: 2024,
  title: 'Alleviating Exposure Bias in Diffusion Models through Sampling with Shifted Time Steps',
  reference: 'ICLR, arXiv:2305.15583',
};

/** A variance over fewer coordinates says too little. */
const FEWEST_COORDINATES = 100;

export interface TimeShiftOptions {
  /** w, in entries of the table. */
  readonly window: number;
  /** The index of the table above which times are shifted. */
  readonly cutoff: number;
  /** T. Default 1000. */
  readonly table?: number;
  /**
   * v over the 'coordinates' of a particle, of which there must be at least 100, or over the 'batch' of all particles, which
   * then depend on each other. Default 'coordinates'.
   */
  readonly statistic?: 'coordinates' | 'batch';
}

/**
 * A solver that calls its model at shifted times. Li et al. (2024), algorithm 3.
 * @throws OptionError for bad options; from `program` when a step does not begin by an evaluation of x; while running,
 * when there are less than 100 coordinates.
 */
export function timeShifted(integrator: Integrator, options: TimeShiftOptions): Integrator {
  const where = 'timeShifted';
  checkOptionNames(where, options, ['window', 'cutoff', 'table', 'statistic']);
  const { window, cutoff, table = 1000, statistic = 'coordinates' } = options;
  checkCount(where, 'table', table, { min: 2 });
  checkCount(where, 'window', window, { min: 1, max: table });
  checkNumber(where, 'cutoff', cutoff, (x) => x >= 0 && x < table, `a number in [0, ${table})`);
  checkOneOf(where, 'statistic', statistic, ['coordinates', 'batch']);
  return rewritten(
    integrator,
    `time shift(${window}, ${cutoff}, ${table}, ${statistic})`,
    [LI],
    (program, grid) => {
      const entries = tableOf(grid.schedule, table);
      const chooseTimes: TimeChoice = (x, times, [n, d], out) => {
        if (statistic === 'coordinates' && d < FEWEST_COORDINATES) throw fewCoordinates(where, d);
        const whole = statistic === 'batch' ? variance(x, 0, n * d) : Number.NaN;
        for (let i = 0; i < n; i++) {
          const v = statistic === 'batch' ? whole : variance(x, i * d, (i + 1) * d);
          out[i] = shifted(entries, v, typeof times === 'number' ? times : times[i]!, window, cutoff);
        }
      };
      return shiftedProgram(where, integrator, program, chooseTimes);
    },
  );
}

/** The first evaluation of each step at chosen times, and the state carried from there to the nominal time. */
function shiftedProgram(
  where: string,
  integrator: Integrator,
  program: SolverProgram,
  chooseTimes: TimeChoice,
): SolverProgram {
  const spare = program.values;
  const steps = program.steps.map((step): readonly Operation[] => {
    const [first, ...rest] = step;
    if (first?.kind !== 'evaluate' || first.state !== 0) throw otherSteps(where, integrator);
    // Where there is no signal all states look alike.
    if (first.at.signal === 0) return step;
    const other = first.other ?? spare;
    return [{ ...first, other, chooseTimes }, carry({ ...first, other }, integrator), ...rest];
  });
  return { ...program, values: spare + 1, steps };
}

/** x <- alpha x_0 + sigma e */
function carry(operation: Evaluate & { readonly other: number }, integrator: Integrator): Operation {
  const { at, value, other } = operation;
  const clean = predictionOf(integrator, operation) === 'clean';
  const factors = clean ? [at.signal, at.noise] : [at.noise, at.signal];
  return combine(0, terms([0], [0]), terms([value, other], factors));
}

interface Table {
  readonly end: number;
  /** [T] */
  readonly times: Float64Array;
  /** [T] sigma^2 */
  readonly variances: Float64Array;
}

function tableOf(schedule: NoiseSchedule, entries: number): Table {
  const times = Float64Array.from({ length: entries }, (_, m) => ((m + 1) / entries) * schedule.end);
  return { end: schedule.end, times, variances: times.map((time) => schedule.noise(time) ** 2) };
}

/** The time of the nearest variance in the window around a nominal time, which stays as it is below the cutoff. */
function shifted(
  { end, times, variances }: Table,
  v: number,
  time: number,
  window: number,
  cutoff: number,
): number {
  const nominal = Math.round((time / end) * times.length) - 1;
  if (!(nominal > cutoff)) return time;
  const half = Math.floor(window / 2);
  const [low, high] = [Math.max(0, nominal - half), Math.min(times.length - 1, nominal + half)];
  let best = low;
  for (let m = low + 1; m <= high; m++) if ((v - variances[m]!) ** 2 < (v - variances[best]!) ** 2) best = m;
  return best === nominal ? time : times[best]!;
}

/** Unbiased, of entries lo..hi-1. */
function variance(x: Float64Array, lo: number, hi: number): number {
  let mean = 0;
  for (let i = lo; i < hi; i++) mean += x[i]!;
  mean /= hi - lo;
  let squares = 0;
  for (let i = lo; i < hi; i++) squares += (x[i]! - mean) ** 2;
  return squares / (hi - lo - 1);
}

function fewCoordinates(where: string, d: number): OptionError {
  return new OptionError({
    where,
    option: 'statistic',
    value: 'coordinates',
    found: `a particle has ${d} coordinates`,
    expected: `at least ${FEWEST_COORDINATES} for a variance over them`,
    fix: "Use statistic: 'batch', or no time shift.",
  });
}

function otherSteps(where: string, integrator: Integrator): OptionError {
  return new OptionError({
    where,
    option: 'integrator',
    value: integrator.name,
    found: `${integrator.name} has steps that do not begin by an evaluation of x`,
    expected: 'a solver such as ddim() or dpmSolverPlusPlus()',
  });
}
