import { checkOptionNames } from '../check.ts';
import type { ModelLike, RowAnswer, RowsModel } from '../model/model.ts';
import { makePlan } from './plan.ts';
import { MOST_INLINE } from './record.ts';
import {
  checkModule,
  evaluateShard,
  mergeRowSummaries,
  type RowSummary,
  rowCodec,
  shardSize,
} from './rows.ts';
import type { BlobRef, Cluster, Shard, ShardContext, SubmitOptions, Work } from './types.ts';

/** Points of a batch as they travel: inside the plan, or a blob for each shard. */
interface Batch {
  readonly inputs: readonly string[];
  readonly outputs?: readonly string[] | undefined;
  readonly unchecked: boolean;
  /** Rows of a shard. */
  readonly size: number;
  /** [n, d] */
  readonly x?: Float64Array | undefined;
  readonly parts?: readonly BlobRef[] | undefined;
}

/** Outputs of a model at given points. */
export const modelRows: Work<Batch, RowSummary> = {
  name: 'model-rows',
  version: 1,
  async compute({ index }: Shard, batch: Batch, context: ShardContext) {
    const { inputs, outputs, unchecked, size, x, parts } = batch;
    const d = inputs.length;
    const own =
      x?.slice(index * size * d, (index + 1) * size * d) ?? (await readPart(parts![index]!, context));
    const rows = (async function* () {
      const arena = context.backend.arena();
      try {
        const points = arena.f64(own.length);
        points.set(own);
        yield { x: points, n: own.length / d };
      } finally {
        arena.release();
      }
    })();
    return evaluateShard({ where: 'onCluster', inputs, outputs, unchecked }, rows, context);
  },
  codec: rowCodec,
  merge: mergeRowSummaries,
};

async function readPart(ref: BlobRef, { blob }: ShardContext): Promise<Float64Array> {
  return new Float64Array((await blob(ref)).slice().buffer);
}

export interface OnClusterOptions extends Pick<SubmitOptions, 'priority' | 'audit'> {
  /** About so many shards of each batch. Default 128. */
  readonly shards?: number;
}

/**
 * A model whose batches a cluster evaluates, for every method that takes a model: each batch is a run of its own, and the
 * method goes on when all of it is there. So a method that adapts waits for the slowest shard of each batch; `sobolIndices`
 * and `monteCarlo` have shards of their own and need no such waits.
 * @param model a `moduleModel`.
 * @throws OptionError for a model that cannot travel.
 */
export function onCluster(cluster: Cluster, model: ModelLike, options: OnClusterOptions = {}): RowsModel {
  checkOptionNames('onCluster', options, ['priority', 'audit', 'shards']);
  const { url, exportName } = checkModule('onCluster', model);
  const { shards, ...submit } = options;
  return {
    kind: 'rows',
    open: (inputs, outputs, _done, unchecked, signal) => ({
      note: `The model ran on a cluster (${cluster.name}).`,
      async evaluate(x, n): Promise<RowAnswer> {
        const size = shardSize(n, shards);
        const d = inputs.length;
        const points = x.slice(0, n * d);
        const parts = points.byteLength > MOST_INLINE ? await putParts(cluster, points, size * d) : undefined;
        const batch: Batch = {
          inputs,
          outputs,
          unchecked,
          size,
          parts,
          x: parts === undefined ? points : undefined,
        };
        const plan = makePlan({
          work: modelRows.name,
          module: await cluster.moduleOf(url, exportName),
          options: batch,
          // Nothing is drawn: equal points are the same run.
          seed: 0,
          shards: { kind: 'index', count: Math.ceil(n / size) },
        });
        return (await cluster.submit(modelRows, plan, { ...submit, signal }).result()).value;
      },
    }),
  };
}

function putParts({ blobs }: Cluster, x: Float64Array, length: number): Promise<BlobRef[]> {
  const parts: Float64Array[] = [];
  for (let at = 0; at < x.length; at += length) parts.push(x.subarray(at, at + length));
  return Promise.all(parts.map((part) => blobs.put(new Uint8Array(part.slice().buffer))));
}
