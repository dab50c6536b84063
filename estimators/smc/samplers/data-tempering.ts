import type { DensityRows } from '../../../engine/kernel/kernel.ts';
import { conditionalEss, logSumExp } from '../../../engine/particles/log-weight.ts';
import type { SmcPopulation } from '../../../engine/particles/smc/feynman-kac.ts';
import type { Course } from './moving.ts';

/*
 * pi_t = posterior given y_0..y_{t-1}: data come in one after the other.
 *
 * | symbol | name here |
 * |---|---|
 * | t | at, number of data that are in |
 * | log p(y_t given y_0..y_{t-1}, theta) | term |
 * | log p(y_0..y_{t-1} given theta) | logLikelihood, a field of the particles |
 */

/** Log likelihood of data from..to-1 given those before, at rows 0..n-1 of `x`. */
export type TermRows = (
  x: Float64Array,
  n: number,
  out: Float64Array,
  gradient: Float64Array | undefined,
  from: number,
  to: number,
) => Promise<void>;

export interface DataCourseOptions {
  readonly terms: TermRows;
  /** T */
  readonly count: number;
  /** Data of a step; 'adaptive': as many as leave an effective size of alpha N, and at least one. */
  readonly batch: number | 'adaptive';
  readonly essFraction: number;
  /** Numbers of data after each step, the last one T; undefined: by `batch`. */
  readonly fixed: readonly number[] | undefined;
}

interface Saved {
  readonly at: number;
  readonly running: readonly number[];
}

/** The course of one run. */
export function dataCourse(options: DataCourseOptions): Course {
  const { terms, count, batch, essFraction, fixed } = options;
  let at = 0;
  let running: number[] = [];
  const likelihood: DensityRows = async (x, n, out, gradient) => {
    if (at > 0) return terms(x, n, out, gradient, 0, at);
    out.fill(0, 0, n);
    gradient?.fill(0);
  };

  /** Data one by one into the increment, until `enough`. */
  const oneByOne = async (
    { count: n, logWeight, field }: SmcPopulation,
    increment: Float64Array,
    enough: (to: number, size: () => number) => 'before' | 'after' | false,
  ): Promise<void> => {
    const x = field('x') as Float64Array;
    const term = new Float64Array(n);
    const trial = new Float64Array(n);
    const from = at;
    for (let stop: unknown = false; stop === false && at < count; ) {
      await terms(x, n, term, undefined, at, at + 1);
      for (let i = 0; i < n; i++) trial[i] = increment[i]! + term[i]!;
      stop = enough(at + 1, () => conditionalEss(logWeight, trial));
      if (stop === 'before' && at > from) break;
      increment.set(trial);
      at++;
      running.push(evidence(logWeight, increment, running[from - 1] ?? 0));
    }
  };

  return {
    likelihood,
    staleGradients: true,
    restsUnlessResampled: true,
    get at() {
      return at;
    },
    get over() {
      return at === count;
    },
    get running() {
      return running;
    },
    factor: () => ({ factor: (logLikelihood) => logLikelihood, slope: 1 }),
    async aim(step, population, increment) {
      increment.fill(0);
      const end = fixed?.[Math.min(step, fixed.length - 1)];
      if (end !== undefined) {
        await oneByOne(population, increment, (to) => (to === end ? 'after' : false));
      } else if (batch === 'adaptive') {
        const least = essFraction * population.count;
        await oneByOne(population, increment, (_, size) => (size() < least ? 'before' : false));
      } else {
        const before = running[at - 1] ?? 0;
        const to = Math.min(count, at + batch);
        const x = population.field('x') as Float64Array;
        await terms(x, population.count, increment, undefined, at, to);
        while (running.length < to - 1) running.push(Number.NaN);
        running.push(evidence(population.logWeight, increment, before));
        at = to;
      }
      const logLikelihood = population.field('logLikelihood');
      for (let i = 0; i < increment.length; i++) logLikelihood[i] = logLikelihood[i]! + increment[i]!;
    },
    snapshot: (): Saved => ({ at, running: [...running] }),
    restore(saved) {
      const { at: place, running: values } = saved as Saved;
      at = place;
      running = [...values];
    },
  };
}

/** before + log sum W w over normalised weights W. */
function evidence(logWeight: Float64Array, increment: Float64Array, before: number): number {
  return before + logSumExp(logWeight.map((l, i) => l + increment[i]!)) - logSumExp(logWeight);
}
