import { checkCount, checkNumber, checkOneOf, checkOptionNames, show } from '../check.ts';
import { OptionError } from '../errors.ts';
import type { Denoiser, Times } from './denoiser.ts';
import type { NoiseSchedule } from './schedule.ts';
import { vpLinear } from './schedules.ts';
import { iddpmNoiseLevels } from './table-schedules.ts';

/*
 * Networks as EDM wraps them, E[x_0] = c_skip y + c_out F(c_in y; c_noise), with y = x / alpha and s = sigma / alpha:
 *
 * | form | c_skip | c_out | c_in | c_noise |
 * |---|---|---|---|---|
 * | edm | a^2 / (s^2 + a^2) | s a / sqrt(s^2 + a^2) | 1 / sqrt(s^2 + a^2) | log(s) / 4 |
 * | vp | 1 | -s | 1 / sqrt(s^2 + 1) | (M - 1) t(s), the time of vpLinear() |
 * | ve | 1 | s | 1 | log(s / 2) |
 * | iddpm | 1 | -s | 1 / sqrt(s^2 + 1) | M - 1 - the index of the nearest of u_0..u_M |
 *
 * with a the standard deviation of the data.
 */

export type NetworkForm = 'edm' | 'vp' | 've' | 'iddpm';

export interface PreconditionedOptions {
  readonly name?: string;
  /** d */
  readonly dimension: number;
  readonly schedule: NoiseSchedule;
  readonly form: NetworkForm;
  /**
   * F: scaled points [n, d] with c_noise, one for all or [n], into `out` [n, d] or as numbers that it returns; `first` is the place
   * of the first point in a batch of several calls.
   */
  network(
    x: Float64Array,
    label: Times,
    out: Float64Array,
    first?: number,
  ): void | ArrayLike<number> | Promise<void> | Promise<ArrayLike<number>>;
  /** a, for 'edm'. Default 0.5. */
  readonly dataDeviation?: number;
  /** M, for 'vp' and 'iddpm'. Default 1000. */
  readonly steps?: number;
  /** Most rows of one call. Default 8192. */
  readonly rows?: number;
}

const FORMS = ['edm', 'vp', 've', 'iddpm'] as const;

/**
 * A denoiser from the inner network of an EDM-style wrapper, for any schedule.
 * @throws OptionError for a bad option.
 * Source: Karras et al. (2022), table 1 and appendix C.
 */
export function preconditionedDenoiser(options: PreconditionedOptions): Denoiser {
  const where = 'preconditionedDenoiser';
  checkOptionNames(where, options, [
    ...['name', 'dimension', 'schedule', 'form', 'network', 'dataDeviation', 'steps', 'rows'],
  ]);
  const { name, dimension: d, schedule, network, dataDeviation = 0.5, steps = 1000, rows } = options;
  const form = checkOneOf(where, 'form', options.form, FORMS);
  checkCount(where, 'dimension', d, { min: 1 });
  checkNumber(where, 'dataDeviation', dataDeviation, (a) => a > 0 && a < Infinity, 'a number > 0');
  checkCount(where, 'steps', steps, { min: 1 });
  if (typeof network !== 'function') throw notFunction(where, network);
  const scalings = preconditioning(form, dataDeviation, steps);
  return {
    ...(name === undefined ? {} : { name }),
    ...(rows === undefined ? {} : { rows }),
    dimension: d,
    schedule,
    prediction: 'clean',
    async predict(x, time, out, first) {
      const n = x.length / d;
      const rows = columns(scalings, schedule, time, n);
      const scaled = Float64Array.from(x, (value, i) => rows.into[Math.floor(i / d)]! * value);
      const label = typeof time === 'number' ? rows.label[0]! : rows.label;
      const values = (await network(scaled, label, out, first)) ?? out;
      // `openDenoiser` says what is wrong with another number of numbers.
      if (values.length !== n * d) return values;
      for (let i = 0; i < n * d; i++) {
        const row = Math.floor(i / d);
        out[i] = rows.skip[row]! * x[i]! + rows.onValue[row]! * values[i]!;
      }
      return out;
    },
  };
}

/** c_skip, c_out, c_in and c_noise. */
export interface Preconditioning {
  readonly skip: number;
  readonly onValue: number;
  readonly into: number;
  readonly label: number;
}

/** The same for each row [n], as factors of x itself. */
interface Columns {
  readonly skip: Float64Array;
  readonly onValue: Float64Array;
  readonly into: Float64Array;
  readonly label: Float64Array;
}

function columns(
  scalings: (level: number) => Preconditioning,
  schedule: NoiseSchedule,
  time: Times,
  n: number,
): Columns {
  const column = (): Float64Array => new Float64Array(n);
  const all: Columns = { skip: column(), onValue: column(), into: column(), label: column() };
  for (let row = 0, next = 0; row < n; row = next) {
    next = typeof time === 'number' ? n : row + 1;
    const now = typeof time === 'number' ? time : time[row]!;
    const signal = schedule.signal(now);
    const { skip, onValue, into, label } = scalings(schedule.noise(now) / signal);
    all.skip.fill(skip / signal, row, next);
    all.onValue.fill(onValue, row, next);
    all.into.fill(into / signal, row, next);
    all.label.fill(label, row, next);
  }
  return all;
}

/** Of a noise level s = sigma / alpha. */
export function preconditioning(
  form: NetworkForm,
  a = 0.5,
  steps = 1000,
): (level: number) => Preconditioning {
  if (form === 'edm')
    return (s) => {
      const root = Math.hypot(s, a);
      return { skip: (a / root) ** 2, onValue: (s * a) / root, into: 1 / root, label: Math.log(s) / 4 };
    };
  if (form === 've') return (s) => ({ skip: 1, onValue: s, into: 1, label: Math.log(s / 2) });
  const labelOf = form === 'vp' ? vpLabel(steps) : tableLabel(steps);
  return (s) => ({ skip: 1, onValue: -s, into: 1 / Math.hypot(s, 1), label: labelOf(s) });
}

function vpLabel(steps: number): (level: number) => number {
  const { timeOf } = vpLinear();
  return (level) => (steps - 1) * timeOf(-Math.log(level));
}

function tableLabel(steps: number): (level: number) => number {
  const table = iddpmNoiseLevels(steps);
  return (level) => {
    let nearest = 0;
    table.forEach((u, j) => {
      if (Math.abs(u - level) < Math.abs(table[nearest]! - level)) nearest = j;
    });
    return steps - 1 - nearest;
  };
}

function notFunction(where: string, network: unknown): OptionError {
  return new OptionError({
    where,
    option: 'network',
    value: network,
    found: `option \`network\` is ${show(network)}`,
    expected: 'a function (x, label, out)',
  });
}
