import { decodeState, encodeState, type StateArray } from '../../engine/array/codec.ts';
import { OptionError, type PointFailure } from '../../engine/errors.ts';
import { isOtherKernel } from '../../engine/model/local.ts';
import { savedAdapter } from '../../engine/model/place.ts';
import type { Context } from '../../engine/sampler.ts';
import type { Keeper } from './keeper.ts';
import { type Blueprint, resize, type SobolState } from './run-state.ts';
import { SUM_BLOCK, sumProgram } from './sum-store.ts';

interface Header {
  readonly kind: Keeper['kind'];
  readonly fingerprint: string;
  readonly kernel?: string | undefined;
  readonly key: readonly [number, number];
  readonly missing: string;
  readonly perReplicate: number;
  readonly settled: number;
  readonly filled: readonly number[];
  readonly chunk: number;
  readonly outputs: readonly string[];
  readonly evaluations: number;
  readonly failed: number;
  readonly dropped: number;
  /** The card that evaluated it. */
  readonly adapter: string | undefined;
  readonly failures: readonly {
    readonly index: number;
    readonly input: readonly number[];
    readonly reason: string;
  }[];
}

/** A run as bytes: its outputs and how far each replicate is. Points are not stored: they are addressed, so they come again. */
export function writeSnapshot(state: SobolState, { design, plan }: Blueprint): Uint8Array {
  const { perReplicate, settled, filled, chunk, failed, dropped, evaluator, keeper } = state;
  const header: Header = {
    kind: keeper.kind,
    fingerprint: design.fingerprint,
    kernel: design.kernel,
    key: state.rng.key,
    missing: String(plan.missing),
    perReplicate,
    settled,
    filled,
    chunk,
    outputs: evaluator.outputs,
    evaluations: evaluator.evaluations,
    failed,
    dropped,
    adapter: savedAdapter(evaluator.place),
    failures: state.failures.map(({ index, input, reason }) => ({ index, input: [...input], reason })),
  };
  return encodeState(header, keeper.write());
}

/** A snapshot read back; `fill` puts it into a fresh state. */
export interface Saved {
  readonly kind: Keeper['kind'];
  readonly outputs: readonly string[] | undefined;
  readonly evaluations: number;
  readonly perReplicate: number;
  readonly adapter: string | undefined;
  fill(state: SobolState): void;
}

/**
 * Read a snapshot for this configuration. More points than it has are welcome: every scramble goes on.
 * @throws OptionError when it is of another method, seed or configuration, or has more points than are asked for.
 */
export function readSnapshot(bytes: Uint8Array, ctx: Context, blueprint: Blueprint): Saved {
  const { header, arrays } = decodeState(bytes);
  const saved = header as Header;
  const { design, plan } = blueprint;
  if (saved?.fingerprint !== design.fingerprint) {
    throw mismatch(design.where, 'it is of another method, or of other inputs, groups, design or replicates');
  }
  if (isOtherKernel(saved.kernel, design.kernel)) throw mismatch(design.where, 'it is of another kernel');
  if (saved.key[0] !== ctx.rng.key[0] || saved.key[1] !== ctx.rng.key[1]) {
    throw mismatch(design.where, 'it was made with another seed');
  }
  if (saved.missing !== String(plan.missing)) {
    throw mismatch(design.where, `it was made with missing: '${saved.missing}'`);
  }
  const wanted = design.points.perReplicate;
  const grown = saved.perReplicate > wanted && blueprint.growth.until === undefined;
  if (grown || (design.design === 'lhs' && saved.perReplicate !== wanted)) {
    throw mismatch(design.where, `it has ${saved.perReplicate * saved.filled.length} points`);
  }
  if (saved.kind === 'sums') checkSummed(arrays.words, blueprint);
  return {
    kind: saved.kind,
    outputs: saved.outputs.length === 0 ? undefined : saved.outputs,
    evaluations: saved.evaluations,
    perReplicate: saved.perReplicate,
    adapter: saved.adapter,
    fill(state) {
      state.perReplicate = saved.perReplicate;
      state.settled = saved.settled;
      saved.filled.forEach((n, r) => {
        state.filled[r] = n;
      });
      state.chunk = saved.chunk;
      state.failed = saved.failed;
      state.dropped = saved.dropped;
      for (const { index, input, reason } of saved.failures) {
        const failure: PointFailure = { index, input: Float64Array.from(input), reason };
        state.failures.push(failure);
      }
      state.keeper.read(arrays);
      if (state.perReplicate < wanted) resize(state, wanted);
    },
  };
}

/** Sums answer only what was summed. */
function checkSummed(words: StateArray | undefined, { design, plan, quantities }: Blueprint): void {
  const { interval } = plan;
  if (interval !== 'replicates' && interval !== 'none') {
    throw mismatch(design.where, `it holds sums alone, which have no ${interval} interval`);
  }
  if (design.points.perReplicate % SUM_BLOCK !== 0) {
    const step = SUM_BLOCK * design.points.replicates;
    throw mismatch(design.where, `it holds sums of whole blocks, which needs points in multiples of ${step}`);
  }
  const wanted = sumProgram(quantities, design.layout.rows).words;
  if (words !== undefined && words.join() !== wanted.join()) {
    throw mismatch(design.where, 'it holds the sums of another estimator');
  }
}

function mismatch(where: string, reason: string): OptionError {
  return new OptionError({
    where,
    option: 'from',
    value: undefined,
    found: `the saved run cannot go on: ${reason}`,
    expected: 'the snapshot of a run with the same options and seed, and no more points',
  });
}
