import { ClusterError } from '../../engine/cluster/cluster-error.ts';
import { madeByModule, noModule, otherMethod } from '../../engine/cluster/made-by-module.ts';
import { arraysCodec, mergeRows } from '../../engine/cluster/summaries.ts';
import type { BlobRef, ShardContext, Work } from '../../engine/cluster/types.ts';
import type { ModuleModel } from '../../engine/model/model.ts';
import type { Context, Ending, Result } from '../../engine/sampler.ts';
import type { Shards } from '../../engine/sharded.ts';

/*
 * Chains on a cluster, in rounds: what they share, the warm-up, is one shard; then they are independent, some of them a
 * shard, to their ends; what is left to do with their states comes after, some of them a shard. States go through the blob
 * store, and workers make the method anew from the module that exports it. Every number is drawn by its address and every
 * row is computed by itself, so that the answer is that of one machine.
 */

/** A round: its shards are independent. */
export interface ChainRound {
  /**
   * What each shard starts from.
   * @param found what the shards of all rounds before gave.
   * @param wanted about so many shards.
   */
  inputs(found: Found, wanted: number): readonly Uint8Array[];
  /** One shard. */
  compute(input: Uint8Array, context: Context): Promise<ChainPiece>;
}

/** What shards gave: of each round, each shard. */
export type Found = readonly (readonly Uint8Array[])[];

export interface ChainPiece {
  readonly state: Uint8Array;
  readonly evaluations: number;
}

/** A method as rounds. */
export interface ChainRounds<R extends Result> {
  readonly where: string;
  /** 'denoisingMcmc({ ... })' */
  readonly example: string;
  /** Tells its options apart. */
  readonly fingerprint: string;
  readonly rounds: readonly ChainRound[];
  /** @throws ClusterError when a deadline left too little. */
  answer(found: Found, context: Context, ending: Ending): Promise<R>;
}

/** How chains are cut. */
export interface ChainShards<R extends Result> extends Shards<R> {
  readonly rounds: ChainRounds<R>;
}

/** A round as it travels. */
interface RoundPlan {
  readonly fingerprint: string;
  readonly round: number;
  readonly wanted: number;
  /** What each shard starts from; the first round from nothing. */
  readonly from: readonly BlobRef[];
}

/** Pieces one after the other, and the length of each. */
interface Pieces {
  readonly states: Uint8Array;
  readonly lengths: Float64Array;
}

export const chainPieces: Work<RoundPlan, Pieces> = {
  name: 'denoising-chains',
  version: 1,
  async compute({ index }, { fingerprint, round, from }, context: ShardContext) {
    const rounds = await remade(context.model());
    if (rounds?.fingerprint !== fingerprint) throw otherMethod(rounds?.where ?? 'cluster', 'chains');
    const input = from.length === 0 ? new Uint8Array(0) : await context.blob(from[index]!);
    const { state, evaluations } = await rounds.rounds[round]!.compute(input, context);
    context.count(evaluations);
    return { states: state, lengths: Float64Array.of(state.length) };
  },
  codec: arraysCodec<Pieces & Record<string, Uint8Array | Float64Array>>({
    ...{ states: Uint8Array, lengths: Float64Array },
  }) as Work<RoundPlan, Pieces>['codec'],
  merge: (left, right) => mergeRows({ ...left }, { ...right }),
};

async function remade(module: ModuleModel): Promise<ChainRounds<Result> | undefined> {
  const made = await madeByModule('cluster', module, 'denoisingMcmc({ ... })');
  return (made as { readonly shards?: Partial<ChainShards<Result>> } | undefined)?.shards?.rounds;
}

/** About so many shards of a round. */
const SHARDS = 128;

export function chainShards<R extends Result>(
  rounds: ChainRounds<R>,
  module: ModuleModel | undefined,
): ChainShards<R> {
  const { where, example, fingerprint } = rounds;
  return {
    work: chainPieces as Shards['work'],
    rounds,
    ...(module === undefined ? {} : { model: module }),
    cut(wanted = SHARDS) {
      if (module === undefined) throw noModule(where, 'its functions are of this thread', example);
      const options: RoundPlan = { fingerprint, round: 0, wanted, from: [] };
      return { options, shards: { kind: 'index', count: 1 } };
    },
    async next({ value }, options, { blobs, kept }) {
      const { round, wanted } = options as RoundPlan;
      const found = [...((kept as Found | undefined) ?? []), listed(value as Pieces)];
      const next = rounds.rounds[round + 1];
      if (next === undefined) return undefined;
      const from: BlobRef[] = [];
      for (const input of next.inputs(found, wanted)) from.push(await blobs.put(input));
      const plan: RoundPlan = { fingerprint, round: round + 1, wanted, from };
      return { options: plan, shards: { kind: 'index', count: from.length }, kept: found };
    },
    answer: ({ value }, context, ending, kept) =>
      rounds.answer([...((kept as Found | undefined) ?? []), listed(value as Pieces)], context, ending),
  };
}

function listed({ states, lengths }: Pieces): readonly Uint8Array[] {
  let at = 0;
  return Array.from(lengths, (length) => {
    at += length;
    return states.slice(at - length, at);
  });
}

/** Rows lo .. hi - 1 of n, in `wanted` parts of about the same size. */
export function parts(n: number, wanted: number): readonly (readonly [lo: number, hi: number])[] {
  const size = Math.ceil(n / Math.min(n, wanted));
  return Array.from({ length: Math.ceil(n / size) }, (_, k) => [k * size, Math.min(n, (k + 1) * size)]);
}

/** The error of a deadline that came before any chain could be used. */
export function tooEarly(where: string): ClusterError {
  const found = 'the deadline came before the chains were at their ends';
  return new ClusterError({ where, found, expected: 'more time', fix: 'Take a longer budget.' });
}

/** The ending with a remark on what the deadline left. */
export function cutShort(ending: Ending, note: string): Ending {
  const { outcome, provenance } = ending;
  return { outcome, provenance: { ...provenance, notes: [...provenance.notes, note] } };
}
