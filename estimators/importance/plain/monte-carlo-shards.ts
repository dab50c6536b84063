import {
  evaluateShard,
  mergeRowSummaries,
  pointSpan,
  type RowSummary,
  recordedModel,
  rowCodec,
  shardSize,
} from '../../../engine/cluster/rows.ts';
import { checkModule } from '../../../engine/cluster/travels.ts';
import type { Shard, ShardContext, Work } from '../../../engine/cluster/types.ts';
import type { InputSpace } from '../../../engine/distribution/inputs.ts';
import { type InputsSpec, inputsSpec, spaceOf } from '../../../engine/distribution/law-spec.ts';
import { openPointSet, type PointSetName } from '../../../engine/random/point-set.ts';
import type { Sampler } from '../../../engine/sampler.ts';
import { drainRecorded, type Shards } from '../../../engine/sharded.ts';
import type { Plan } from './monte-carlo-plan.ts';
import type { MonteCarloOptions, MonteCarloResult } from './monte-carlo-types.ts';

const WHERE = 'monteCarlo';
/** Most points that are evaluated together. */
const CHUNK = 16_384;

/** Points of replicates as they travel. */
interface PointPlan {
  readonly inputs: InputsSpec;
  readonly design: PointSetName;
  readonly points: number;
  readonly perReplicate: number;
  readonly outputs?: readonly string[] | undefined;
  /** Points of a shard. */
  readonly size: number;
}

/** Outputs at some points of replicates, replicate after replicate. */
export const pointRows: Work<PointPlan, RowSummary> = {
  name: 'point-rows',
  version: 1,
  async compute({ index }: Shard, plan: PointPlan, context: ShardContext) {
    const { inputs, outputs, size, points } = plan;
    const space = spaceOf(WHERE, inputs);
    const rows = rowsOf(plan, space, index * size, Math.min(points, (index + 1) * size), context);
    return evaluateShard({ where: WHERE, inputs: space.names, outputs }, rows, context);
  },
  codec: rowCodec,
  merge: mergeRowSummaries,
  span: ({ index }, { size, points }) => pointSpan(index, size, points),
};

/** Points lo .. hi - 1, counted over all replicates. */
async function* rowsOf(
  { design: name, perReplicate: points }: PointPlan,
  { dimension, transport }: InputSpace,
  lo: number,
  hi: number,
  { rng, backend }: ShardContext,
): AsyncGenerator<{ readonly x: Float64Array; readonly n: number }> {
  for (let at = lo; at < hi; ) {
    const replicate = Math.floor(at / points);
    const set = await openPointSet({ name, dimension, points, rng, replicate });
    const end = Math.min(hi, (replicate + 1) * points);
    while (at < end) {
      const n = Math.min(CHUNK, end - at);
      const arena = backend.arena();
      try {
        const x = arena.f64(n * dimension);
        await set.fill(x, at - replicate * points, n, backend);
        transport(x, x, n);
        yield { x, n };
      } finally {
        arena.release();
      }
      at += n;
    }
  }
}

/** A plain Monte Carlo run on a cluster: workers evaluate, and the answer is made as on one machine. */
export function monteCarloShards<S>(
  options: MonteCarloOptions,
  { space, design, points, perReplicate }: Plan,
  again: (options: MonteCarloOptions) => Sampler<S, MonteCarloResult>,
): Shards<MonteCarloResult> {
  return {
    work: pointRows,
    model: options.model,
    points,
    cut(wanted) {
      checkModule(WHERE, options.model);
      const size = shardSize(points, wanted);
      const travels = { design, points, perReplicate, outputs: options.outputs, size };
      return {
        options: { ...travels, inputs: inputsSpec(WHERE, space) },
        shards: { kind: 'index', count: Math.ceil(points / size) },
      };
    },
    answer: ({ value }, ctx, ending) =>
      drainRecorded(again({ ...options, model: recordedModel(value as RowSummary) }), ctx, ending),
  };
}
