import { checkCount, checkOptionNames, show } from '../../../engine/check.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { StateSpaceModel } from '../state-space.ts';

/**
 * A state-space model written one particle at a time. The arrays are rows that are used again for every particle: read
 * and write them, do not keep them.
 */
export interface PerParticleOptions {
  /** d, numbers in a state. Default 1. */
  readonly dimension?: number;
  /** k, numbers in an observation. Default 1. */
  readonly observed?: number;
  /** Standard normals that one draw of a state takes. Default d. */
  readonly noise?: number;
  /** x_0 [d] from z [noise]. */
  initial(z: Float64Array, x: Float64Array): void;
  /** x_t [d] from its parent [d] and z [noise]. */
  transition(step: number, parent: Float64Array, z: Float64Array, x: Float64Array): void;
  /** log g_t(y | x), with all constants; -Infinity where y is impossible. */
  logObservation(step: number, y: Float64Array, x: Float64Array): number;
  /** log p(x_0) */
  logInitial?(x: Float64Array): number;
  /** log f_t(x | parent) */
  logTransition?(step: number, parent: Float64Array, x: Float64Array): number;
  /** The largest value of logTransition at a step. */
  logTransitionBound?(step: number): number;
}

const FUNCTIONS = ['initial', 'transition', 'logObservation'] as const;
const OPTIONAL = ['logInitial', 'logTransition', 'logTransitionBound'] as const;
const WHERE = 'perParticle';

/**
 * A state-space model from functions of one particle. A number that `initial` or `transition` does not write is NaN, and
 * so an error of the filter, never what the particle before left there.
 * @throws OptionError for a bad count, or a function that is missing.
 */
export function perParticle(options: PerParticleOptions): StateSpaceModel {
  checkOptionNames(WHERE, options, ['dimension', 'observed', 'noise', ...FUNCTIONS, ...OPTIONAL]);
  const d = checkCount(WHERE, 'dimension', options.dimension ?? 1, { min: 1 });
  const observed = checkCount(WHERE, 'observed', options.observed ?? 1, { min: 1 });
  const noise = checkCount(WHERE, 'noise', options.noise ?? d, { min: 1 });
  for (const name of FUNCTIONS) if (typeof options[name] !== 'function') throw missing(name, options[name]);
  const [z, parent, x] = [new Float64Array(noise), new Float64Array(d), new Float64Array(d)];
  const { logInitial, logTransition, logTransitionBound } = options;
  return {
    dimension: d,
    observed,
    noise,
    initial: (zs, xs) => {
      const n = xs.length / d;
      for (let i = 0; i < n; i++) {
        read(zs, i, z);
        options.initial(z, x.fill(Number.NaN));
        write(x, xs, i);
      }
    },
    transition: (step, parents, zs, xs) => {
      const n = xs.length / d;
      for (let i = 0; i < n; i++) {
        read(zs, i, z);
        read(parents, i, parent);
        options.transition(step, parent, z, x.fill(Number.NaN));
        write(x, xs, i);
      }
    },
    logObservation: (step, y, xs, out) => {
      for (let i = 0; i < out.length; i++) {
        read(xs, i, x);
        out[i] = options.logObservation(step, y, x);
      }
    },
    ...(logInitial && {
      logInitial: (xs: Float64Array, out: Float64Array) => {
        for (let i = 0; i < out.length; i++) {
          read(xs, i, x);
          out[i] = options.logInitial!(x);
        }
      },
    }),
    ...(logTransition && {
      logTransition: (step: number, parents: Float64Array, xs: Float64Array, out: Float64Array) => {
        for (let i = 0; i < out.length; i++) {
          read(parents, i, parent);
          read(xs, i, x);
          out[i] = options.logTransition!(step, parent, x);
        }
      },
    }),
    ...(logTransitionBound && { logTransitionBound: (step: number) => options.logTransitionBound!(step) }),
  };
}

/** Row i of `rows` into `row`. */
function read(rows: Float64Array, i: number, row: Float64Array): void {
  const from = i * row.length;
  for (let c = 0; c < row.length; c++) row[c] = rows[from + c]!;
}

function write(row: Float64Array, rows: Float64Array, i: number): void {
  const from = i * row.length;
  for (let c = 0; c < row.length; c++) rows[from + c] = row[c]!;
}

function missing(option: string, value: unknown): OptionError {
  return new OptionError({
    where: WHERE,
    option,
    value,
    found: `option \`${option}\` is ${show(value)}`,
    expected: 'a function',
  });
}
