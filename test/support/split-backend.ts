import type { Backend } from '../../engine/backend/backend.ts';
import { jsBackend, runTwin } from '../../engine/backend/js.ts';
import { BLOCK, blockCount } from '../../engine/wasm/twins/sums.ts';

/**
 * The plain-JS backend with every range cut into `parts` pieces that run last piece first, as workers might; each through
 * all kernels of a chain.
 */
export function splitBackend(parts: number): Backend {
  const inParts = (count: number, run: (lo: number, hi: number) => void): void => {
    for (let p = parts; p > 0; p--)
      run(Math.floor(((p - 1) * count) / parts), Math.floor((p * count) / parts));
  };
  return {
    ...jsBackend(),
    dispatch: async (kernel, args, count) => inParts(count, (lo, hi) => runTwin(kernel, args, lo, hi)),
    chain: async (calls, rows) =>
      inParts(blockCount(rows), (lo, hi) => {
        for (const { kernel, args, over } of calls)
          if (over === 'blocks') runTwin(kernel, args, lo, hi);
          else runTwin(kernel, args, lo * BLOCK, Math.min(rows, hi * BLOCK));
      }),
  };
}
