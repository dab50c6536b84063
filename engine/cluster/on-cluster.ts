import { checkOptionNames } from '../check.ts';
import type { ModelLike, RowAnswer, RowsModel } from '../model/model.ts';
import { evaluateShard, mergeRowSummaries, pointSpan, type RowSummary, rowCodec, shardSize } from './rows.ts';
import { checkModule, finished, SHORT_ROUND, shortRounds } from './travels.ts';
import type {
  BlobRef,
  Cluster,
  ClusterProgress,
  Plan,
  Shard,
  ShardContext,
  SubmitOptions,
  Work,
} from './types.ts';

/*
 * Batches of a model on a cluster, for methods that have no shards of their own. Nothing here needs Node: methods, which
 * run in browsers as well, refer to it.
 */

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
  span({ index }, { inputs, size, x, parts }) {
    const values = x?.length ?? parts!.reduce((sum, { bytes }) => sum + bytes, 0) / 8;
    return pointSpan(index, size, values / inputs.length);
  },
};

async function readPart(ref: BlobRef, { blob }: ShardContext): Promise<Float64Array> {
  return new Float64Array((await blob(ref)).slice().buffer);
}

export interface OnClusterOptions extends Pick<SubmitOptions, 'priority' | 'audit'> {
  /** About so many shards of each batch. Default 128. */
  readonly shards?: number;
  /** Told of shards of the batch under way; other counts are of all batches so far. */
  progress?(progress: ClusterProgress): void;
  /** Told once where one machine would be faster. */
  notice?(notice: { readonly words: string }): void;
}

/**
 * A model whose batches a cluster evaluates: each batch is a run of its own, and whoever asked goes on when all of it is
 * there. `run(method, { cluster })` does this for methods that have no shards of their own.
 * @param model a `moduleModel`.
 * @throws OptionError for a model that cannot travel.
 */
export function onCluster(cluster: Cluster, model: ModelLike, options: OnClusterOptions = {}): RowsModel {
  checkOptionNames('onCluster', options, ['priority', 'audit', 'shards', 'progress', 'notice']);
  return rowsOn(cluster, checkModule('onCluster', model), options, { ...NOTHING });
}

/** Gives what stands in for a model. @param option it came from, for messages. Default 'model'. */
export type Replace = (model: unknown, option?: string) => RowsModel;

/**
 * The member `onCluster` of a method.
 * @param make the same method over models that stand in for its own; throws OptionError for one that cannot travel.
 */
export function modelsOn<M>(
  where: string,
  make: (replace: Replace) => M,
): (cluster: Cluster, options?: OnClusterOptions) => M {
  return (cluster, options = {}) => {
    const before = { ...NOTHING };
    return make((model, option) => rowsOn(cluster, checkModule(where, model, option), options, before));
  };
}

/** Counts of batches that are over, and whether it was told that they are short. */
type Before = { -readonly [name in (typeof COUNTS)[number]]: number } & { told: boolean };

const COUNTS = ['failed', 'retried', 'duplicates', 'bytes', 'evaluations'] as const;
const NOTHING: Readonly<Before> = {
  ...{ failed: 0, retried: 0, duplicates: 0, bytes: 0, evaluations: 0 },
  told: false,
};

function rowsOn(
  cluster: Cluster,
  { url, exportName }: { readonly url: string; readonly exportName: string },
  { shards, progress, notice, ...submit }: OnClusterOptions,
  before: Before,
): RowsModel {
  return {
    kind: 'rows',
    open: (inputs, outputs, _done, unchecked, signal) => ({
      note: `The model ran on a cluster (${cluster.name}).`,
      async evaluate(x, n): Promise<RowAnswer> {
        const size = shardSize(n, shards);
        const d = inputs.length;
        const points = x.slice(0, n * d);
        const { none = false } = cluster.blobs;
        const most = none ? MOST_WITHOUT_BLOBS : MOST_IN_PLAN;
        const parts = points.byteLength > most ? await putParts(cluster, points, size * d) : undefined;
        const given = parts === undefined ? points : undefined;
        const plan: Plan<Batch> = {
          protocol: 1,
          work: modelRows.name,
          module: await cluster.moduleOf(url, exportName),
          options: { inputs, outputs, unchecked, size, parts, x: given },
          // Nothing is drawn: equal points are the same run.
          seed: 0,
          tier: 'A',
          shards: { kind: 'index', count: Math.ceil(n / size) },
        };
        let last: ClusterProgress | undefined;
        const tell = (told: ClusterProgress): void => {
          last = { ...told };
          for (const name of COUNTS) last = { ...last, [name]: before[name] + told[name] };
          progress?.(last);
        };
        const start = performance.now();
        const run = cluster.submit(modelRows, plan, { ...submit, signal });
        const { value } = await finished(run, progress === undefined ? undefined : tell);
        const took = performance.now() - start;
        if (took < SHORT_ROUND && !before.told && cluster.name !== 'local') {
          before.told = true;
          notice?.({ words: shortRounds(took) });
        }
        if (last !== undefined) for (const name of COUNTS) before[name] = last[name];
        return value;
      },
    }),
  };
}

/** Bytes of points that go inside the plan. */
const MOST_IN_PLAN = 256 * 1024;
/** The same where there is no folder for blobs: every worker reads all of them. */
const MOST_WITHOUT_BLOBS = 2 ** 25;

function putParts({ blobs }: Cluster, x: Float64Array, length: number): Promise<BlobRef[]> {
  const parts: Float64Array[] = [];
  for (let at = 0; at < x.length; at += length) parts.push(x.subarray(at, at + length));
  return Promise.all(parts.map((part) => blobs.put(new Uint8Array(part.slice().buffer))));
}
