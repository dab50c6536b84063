import type { Arena } from '../backend/backend.ts';
import { DEAD } from '../backend/wgsl/reduce.ts';
import { ValueError } from '../errors.ts';
import { logMeanOf, type WeightSummary } from './log-weight.ts';

/** Log-weights of n particles on the host and what they say about the normaliser. */
export interface CardWeights {
  /** [n] natural log, unnormalised, since the last `reset`. */
  readonly logWeight: Float64Array;
  readonly summary: WeightSummary;
  readonly logNormalizer: number;
  /**
   * Add power times the increments [n] in float64, and book what they add to the normaliser: the change of the log-mean
   * weight since it was last booked, whether or not there was a `reset` in between. The dead stay dead, whatever their
   * increment.
   * @throws ValueError at NaN or +Infinity, with the particle; the weights are then as before.
   */
  add(increment: Float32Array | Float64Array, power: number): Promise<WeightSummary>;
  /** Weigh them as they stand, whoever wrote them; this books nothing. */
  weigh(): Promise<WeightSummary>;
  /** Have them weighed, if they are not since they changed. */
  ready(): Promise<void>;
  /** All log-weights 0: the particles were resampled. */
  reset(): void;
}

/** @param weigh sums up log-weights of the arena. */
export function cardWeights(
  arena: Arena,
  n: number,
  weigh: (logWeight: Float64Array) => Promise<WeightSummary>,
): CardWeights {
  const equal: WeightSummary = { max: 0, sum: n, squares: n };
  const logWeight = arena.f64(n);
  let summary = equal;
  let logNormalizer = 0;
  let booked = 0;
  let weighed = false;
  return {
    logWeight,
    get summary() {
      return summary;
    },
    get logNormalizer() {
      return logNormalizer;
    },
    async add(increment, power) {
      checkIncrements(increment, logWeight);
      // Times 0, a dead particle would be neither dead nor alive.
      for (let i = 0; i < n && power !== 0; i++) {
        if (logWeight[i] === -Infinity) continue;
        const l = increment[i]!;
        logWeight[i] = l <= DEAD ? -Infinity : logWeight[i]! + power * l;
      }
      summary = await weigh(logWeight);
      weighed = true;
      const mean = logMeanOf(summary, n);
      logNormalizer = mean === -Infinity ? mean : logNormalizer + (mean - booked);
      booked = mean;
      return summary;
    },
    async weigh() {
      summary = await weigh(logWeight);
      weighed = true;
      booked = logMeanOf(summary, n);
      return summary;
    },
    async ready() {
      if (!weighed) await weigh(logWeight);
      weighed = true;
    },
    reset() {
      logWeight.fill(0);
      weighed = false;
      summary = equal;
      booked = 0;
    },
  };
}

function checkIncrements(increment: Float32Array | Float64Array, logWeight: Float64Array): void {
  for (let i = 0; i < logWeight.length; i++)
    if (!(increment[i]! < Infinity) && logWeight[i] !== -Infinity) throw badIncrement(increment[i]!, i);
}

/** The error that names a log increment which is NaN or +Infinity, and its particle. */
export function badIncrement(value: number, index: number): ValueError {
  return new ValueError({
    where: 'reweight',
    found: `the log increment is ${value} at particle ${index}`,
    expected: `a finite number, or ${DEAD} and less for a dead particle`,
    fix: 'Look at what the density or potential returned there.',
    index,
  });
}
