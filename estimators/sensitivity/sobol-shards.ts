import { ClusterError } from '../../engine/cluster/cluster-error.ts';
import {
  evaluateShard,
  mergeRowSummaries,
  pointSpan,
  type RowSummary,
  recordedModel,
  rowCodec,
  shardSize,
} from '../../engine/cluster/rows.ts';
import { checkModule } from '../../engine/cluster/travels.ts';
import type { ClusterResult, Shard, ShardContext, Work } from '../../engine/cluster/types.ts';
import { type InputsSpec, inputsSpec, spaceOf } from '../../engine/distribution/law-spec.ts';
import { OptionError } from '../../engine/errors.ts';
import type { Sampler } from '../../engine/sampler.ts';
import { drainRecorded, type Shards } from '../../engine/sharded.ts';
import { designTile } from './design.ts';
import { type DesignPlan, planDesign } from './plan.ts';
import type { DesignOptions, SobolOptions, SobolResult } from './types.ts';

const WHERE = 'sobolIndices';

/** A design as it travels. */
interface SobolPlan extends Omit<DesignOptions, 'inputs' | 'dependence'> {
  readonly inputs: InputsSpec;
  readonly outputs?: readonly string[];
  /** Base points of a shard. */
  readonly size: number;
}

/** Rows of some base points of a Sobol' design: replicate after replicate, base points in order, rows together. */
export const sobolRows: Work<SobolPlan, RowSummary> = {
  name: 'sobol-rows',
  version: 1,
  async compute({ index }: Shard, options: SobolPlan, context: ShardContext) {
    const { size, outputs } = options;
    const plan = designOf(options);
    const last = Math.min(plan.points.total, (index + 1) * size);
    const rows = rowsOf(plan, index * size, last, context);
    return evaluateShard({ where: WHERE, inputs: plan.space.names, outputs }, rows, context);
  },
  codec: rowCodec,
  merge: mergeRowSummaries,
  span({ index }, options) {
    const { points, layout } = designOf(options);
    return `base ${pointSpan(index, options.size, points.total)}, ${layout.rows} runs each`;
  },
};

function designOf({ inputs, size: _cut, outputs: _known, ...design }: SobolPlan): DesignPlan {
  const { names, laws, dependence } = spaceOf(WHERE, inputs);
  const laid = Object.fromEntries(names.map((name, c) => [name, laws[c]!]));
  const depends = dependence === undefined ? {} : { dependence };
  return planDesign(WHERE, { ...design, ...depends, inputs: laid });
}

/** Rows of base points lo .. hi - 1, counted over all replicates. */
async function* rowsOf(
  plan: DesignPlan,
  lo: number,
  hi: number,
  { rng, backend }: ShardContext,
): AsyncGenerator<{ readonly x: Float64Array; readonly n: number }> {
  const { perReplicate } = plan.points;
  const tile = designTile(plan, perReplicate, rng, backend);
  try {
    for (let at = lo; at < hi; ) {
      const replicate = Math.floor(at / perReplicate);
      const first = at - replicate * perReplicate;
      const n = Math.min(tile.capacity, perReplicate - first, hi - at);
      yield { x: await tile.fill(replicate, first, n), n: n * plan.layout.rows };
      at += n;
    }
  } finally {
    tile.release();
  }
}

/**
 * A Sobol' run on a cluster: workers evaluate, and the analysis is that of one machine, so its bits are as well.
 * @param again the method with another model.
 */
export function sobolShards<S>(
  options: SobolOptions,
  design: DesignPlan,
  again: (options: SobolOptions) => Sampler<S, SobolResult>,
): Shards<SobolResult> {
  const { total, perReplicate } = design.points;
  return {
    work: sobolRows,
    model: options.model,
    points: total,
    cut(wanted) {
      checkModule(WHERE, options.model);
      if (options.until !== undefined) throw noGrowth(options.until);
      const { groups, points, replicates, secondOrder, estimator, closed, superset, outputs } = options;
      const kind = options.design;
      const size = shardSize(total, wanted);
      const travels = { groups, points, replicates, secondOrder, estimator, closed, superset, outputs, size };
      return {
        options: { ...travels, design: kind, inputs: inputsSpec(WHERE, design.space) },
        shards: { kind: 'index', count: Math.ceil(total / size) },
      };
    },
    answer(merged, ctx, ending) {
      const recorded = wholeReplicates(
        merged as ClusterResult<RowSummary>,
        perReplicate * design.layout.rows,
      );
      return drainRecorded(again({ ...options, model: recordedModel(recorded) }), ctx, ending);
    },
  };
}

/** Replicates that were cut short say nothing that whole ones do not say better. */
function wholeReplicates({ value, complete }: ClusterResult<RowSummary>, each: number): RowSummary {
  if (complete) return value;
  const rows = Math.floor(value.rows / each) * each;
  if (rows > 0) return { ...value, rows };
  throw new ClusterError({
    where: WHERE,
    found: `the deadline came after ${value.rows} model runs`,
    expected: `at least one replicate of ${each}`,
    fix: 'Give it longer, or more replicates of fewer points.',
  });
}

function noGrowth(until: number): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'until',
    value: until,
    found: 'option `until` decides while it runs how many points there are',
    expected: 'a number of points beside `cluster`',
    fix: 'Or let only the model run there: model: onCluster(cluster, moduleModel(url)).',
  });
}
