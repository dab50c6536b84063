import type { Evaluator } from '../../engine/model/evaluator.ts';
import type { Context } from '../../engine/sampler.ts';
import { columnKeeper } from './column-keeper.ts';
import { designTile } from './design.ts';
import type { Keeper, KeeperPlan } from './keeper.ts';
import { sumKeeper } from './sum-keeper.ts';
import { sumProgram } from './sum-store.ts';
import { hostSummer } from './summer.ts';

/** A keeper of the kind that a run begins with, or was saved with. */
export function openKeeper(
  kind: Keeper['kind'],
  plan: KeeperPlan,
  evaluator: Evaluator,
  ctx: Context,
  perReplicate: number,
): Keeper {
  // A run that was saved before there were sums has no kind.
  if (kind !== 'sums') return columnKeeper(plan, evaluator, ctx, perReplicate);
  const { design, quantities } = plan;
  const program = sumProgram(quantities, design.layout.rows);
  const tile = designTile(design, perReplicate, ctx.rng, ctx.backend);
  const summer = hostSummer(ctx.backend, tile, evaluator, program, design.space.dimension);
  return sumKeeper(plan, evaluator, program, summer, perReplicate);
}
