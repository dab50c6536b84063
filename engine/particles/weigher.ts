import type { Arena, Backend, KernelCall } from '../backend/backend.ts';
import { DegeneracyError } from '../errors.ts';
import { blockCount, treeSum } from '../wasm/twins/sums.ts';
import { ALL_DEAD, largestLogWeight, type WeightSummary } from './log-weight.ts';

/** Kernels over the rows of the particles, to be run in one go with those of a weighing. */
export interface Along {
  /** What has yet to make the increments. */
  readonly before?: readonly KernelCall[];
  /** What reads the weights; asked for when there are any. */
  after?(): readonly KernelCall[];
}

/** Weights of n particles before they are resampled, again and again in arrays of its own. */
export interface Weigher {
  /** As `Resampler.weigh`. */
  weigh(logWeight: Float64Array): Promise<WeightSummary>;
  /** As `Resampler.reweigh`. */
  reweigh(
    logWeight: Float64Array,
    increment: Float64Array,
    fresh: boolean,
    along?: Along,
  ): Promise<WeightSummary>;
  /** exp(logWeight - max) of the last `weigh`, [n]. */
  readonly weight: Float64Array;
  /** Scratch, [blocks]. */
  readonly partial: Float64Array;
  /**
   * The summary of the last `weigh`, once: whoever asks is about to overwrite the weights.
   * @throws DegeneracyError when all particles were dead.
   */
  spend(): WeightSummary;
}

export function makeWeigher(backend: Backend, arena: Arena, n: number): Weigher {
  const blocks = blockCount(n);
  const weight = arena.f64(n);
  const partial = arena.f64(blocks);
  const squares = arena.f64(blocks);
  let last: WeightSummary = ALL_DEAD;
  /** The rest of it, once the largest of each block is in `partial`. */
  const weighByMaxima = async (logWeight: Float64Array, along?: Along): Promise<WeightSummary> => {
    const max = largestLogWeight('resample', logWeight, n, partial, blocks);
    last = ALL_DEAD;
    if (max === -Infinity) return last;
    const args = [logWeight, n, max, weight, partial, squares] as const;
    const own: KernelCall = { kernel: 'expShiftBlocks', args: [...args], over: 'blocks' };
    await backend.chain(along?.after === undefined ? [own] : [own, ...along.after()], n);
    last = { max, sum: treeSum(partial, blocks), squares: treeSum(squares, blocks) };
    return last;
  };
  return {
    weight,
    partial,
    async weigh(logWeight) {
      await backend.dispatch('maxBlocks', [logWeight, n, partial], blocks);
      return weighByMaxima(logWeight);
    },
    async reweigh(logWeight, increment, fresh, along) {
      const args = [increment, logWeight, n, fresh ? 1 : 0, partial] as const;
      const own: KernelCall = { kernel: 'reweighBlocks', args: [...args], over: 'blocks' };
      await backend.chain(along?.before === undefined ? [own] : [...along.before, own], n);
      return weighByMaxima(logWeight, along);
    },
    spend() {
      const summary = last;
      if (summary.sum === 0) throw allDead(n);
      last = ALL_DEAD;
      return summary;
    },
  };
}

function allDead(n: number): DegeneracyError {
  return new DegeneracyError({
    where: 'resample',
    found: `all ${n} log-weights are -Infinity`,
    expected: 'at least one live particle',
    fix: 'Check that the target allows the points that were drawn.',
  });
}
