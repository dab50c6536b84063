import type { Evaluator } from '../../engine/model/evaluator.ts';
import type { Context } from '../../engine/sampler.ts';
import { cardDesign } from './card-design.ts';
import { cardSummer } from './card-summer.ts';
import { columnKeeper } from './column-keeper.ts';
import { designTile } from './design.ts';
import type { Keeper, KeeperPlan } from './keeper.ts';
import { sumKeeper } from './sum-keeper.ts';
import { sumProgram } from './sum-store.ts';
import { hostSummer, type Summer } from './summer.ts';

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
  const { backend, rng } = ctx;
  const program = sumProgram(quantities, design.layout.rows);
  const { card } = evaluator;
  const onCard = card && cardDesign(plan, card, perReplicate);
  const openSummer = (): Summer => {
    const tile = designTile(design, perReplicate, rng, backend);
    return card === undefined || onCard === undefined
      ? hostSummer(backend, tile, evaluator, program, design.space.dimension)
      : cardSummer({ card, design: onCard, evaluator, program, rng, tile });
  };
  return sumKeeper(plan, evaluator, program, openSummer, perReplicate);
}

/** Sums alone, where a card can make them; else all outputs. */
export function kindFor(plan: KeeperPlan, { card }: Evaluator, perReplicate: number): Keeper['kind'] {
  return card === undefined || cardDesign(plan, card, perReplicate) === undefined ? 'columns' : 'sums';
}
