import type { MarkovKernel } from '../../../engine/kernel/kernel.ts';

/*
 * Tuning of a kernel from the draws of chains during a declared warm-up, whose draws are not kept; afterwards the kernel is
 * fixed, so that the chains keep their target exactly. Every 25 iterations the kernel learns from the later half of what the
 * chains have seen so far, as from a population of equal weights.
 */
export interface WarmUp {
  /** Iterations of each chain. */
  readonly iterations: number;
  /** [iterations, C, p] the draws so far. */
  readonly draws: Float64Array;
  /** Take in the draws [C, p] of an iteration, counted from 1; tune where it is time. Nothing after the warm-up. */
  learn(iteration: number, draws: ArrayLike<number>, kernel: MarkovKernel | undefined): void;
}

const PERIOD = 25;

export function makeWarmUp(iterations: number, chains: number, width: number): WarmUp {
  const row = chains * width;
  const draws = new Float64Array(iterations * row);
  return {
    iterations,
    draws,
    learn(iteration, now, kernel) {
      if (iteration > iterations) return;
      draws.set(now, (iteration - 1) * row);
      const due = iteration % PERIOD === 0 || iteration === iterations;
      if (due && kernel !== undefined && iteration >= 2) kernel.tune(recent(draws, iteration, row, width));
    },
  };
}

/** The later half of the draws of `iteration` iterations, as a population. */
function recent(
  draws: Float64Array,
  iteration: number,
  row: number,
  width: number,
): { readonly x: Float64Array; readonly logWeight: Float64Array } {
  const x = draws.slice((iteration >> 1) * row, iteration * row);
  return { x, logWeight: new Float64Array(x.length / width) };
}

/** [p] mean of the later half of the warm-up, over all chains. */
export function warmUpMean({ iterations, draws }: WarmUp, width: number): Float64Array {
  const { x } = recent(draws, iterations, draws.length / iterations, width);
  const n = x.length / width;
  return Float64Array.from({ length: width }, (_, j) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += x[i * width + j]!;
    return sum / n;
  });
}
