import { exp } from '../../wasm/twins/elementary.ts';
import { logMeanOf } from '../log-weight.ts';
import type { FieldSpecs } from '../particles.ts';
import type { Smc } from './types.ts';

/**
 * Log-weights of all runs as one sample [R N]: run r counts for its normalizing constant, however many of its particles
 * live, and the log-mean-exp of all is the log of the mean of the Z_r. A copy. -Infinity where a run has collapsed.
 */
export function pooledLogWeight<F extends FieldSpecs>(smc: Smc<F>): Float64Array {
  const logWeight = smc.particles.logWeight.slice();
  for (const [r, { logNormalizer }] of smc.runs.entries()) {
    const own = logWeight.subarray(r * smc.count, (r + 1) * smc.count);
    if (logNormalizer === -Infinity) own.fill(-Infinity);
    else {
      const shift = logNormalizer - logMeanOf(smc.summary(r), smc.count);
      for (let i = 0; i < own.length; i++) own[i] = own[i]! + shift;
    }
  }
  return logWeight;
}

/** The largest share of one particle in all of `pooledLogWeight`; NaN when all runs have collapsed. */
export function largestPooledShare<F extends FieldSpecs>(smc: Smc<F>): number {
  const most = Math.max(...smc.runs.map((run) => run.logNormalizer));
  if (most === -Infinity) return Number.NaN;
  let total = 0;
  let largest = 0;
  for (const [r, { logNormalizer }] of smc.runs.entries()) {
    const share = exp(logNormalizer - most);
    total += share;
    // Weights of a run are summarised as exp(l - max): the largest of them is 1.
    if (share > 0) largest = Math.max(largest, share / smc.summary(r).sum);
  }
  return largest / total;
}
