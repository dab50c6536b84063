import { summarise } from '../../../engine/particles/log-weight.ts';
import { searchCumulative } from '../../../engine/wasm/twins/resampling.ts';
import { blockCount } from '../../../engine/wasm/twins/sums.ts';
import { exclusiveOffsets, quantiseBlocks, scanBlocks } from '../../../engine/wasm/twins/weights.ts';

/** Draws one index at a time from log-weights. */
export interface IndexChooser {
  /**
   * The index with C_{i-1} < u <= C_i, C the cumulative integer weights of `logWeight` [n]; undefined when all are -Infinity.
   * @throws ValueError at NaN or +Infinity.
   */
  choose(logWeight: Float64Array, u: number): number | undefined;
}

export function makeIndexChooser(where: string, n: number): IndexChooser {
  const weight = new Float64Array(n);
  const partial = new Float64Array(blockCount(n));
  return {
    choose(logWeight, u) {
      const { sum } = summarise(where, logWeight, weight);
      if (sum === 0) return undefined;
      const blocks = blockCount(n);
      quantiseBlocks(weight, n, sum, weight, partial, 0, blocks);
      const total = exclusiveOffsets(partial, blocks);
      scanBlocks(weight, n, partial, weight, 0, blocks);
      return searchCumulative(weight, total, n, u);
    },
  };
}
