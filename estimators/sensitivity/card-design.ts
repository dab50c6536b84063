import { cardLaws } from '../../engine/distribution/card-laws.ts';
import type { CardKernel } from '../../engine/model/card-rows.ts';
import type { CardShape } from './card-blocks.ts';
import type { KeeperPlan } from './keeper.ts';
import type { Layout } from './layout.ts';
import { SUM_BLOCK } from './sum-store.ts';

/** A design that can be made and summed on a card. */
export interface CardDesign {
  readonly layout: Layout;
  readonly shape: CardShape;
  /** The table of `cardLaws`. */
  readonly laws: Float32Array<ArrayBuffer>;
  /** Base points of the largest task, whole blocks. */
  readonly capacity: number;
}

/** Bytes of the largest array of a task: enough to keep a large card busy, and far below what one has. */
const MOST_BYTES = 2 ** 28;

/**
 * The design on a card; undefined when outputs must come to the host: for dependent inputs or laws that the card has no
 * quantile of, other points than Sobol's, intervals or a policy for failures that need single rows, replicates that are not
 * whole blocks, and points too wide for the card's arrays.
 */
export function cardDesign(
  { design, plan, quantities }: KeeperPlan,
  { gpu, outputs }: CardKernel,
  perReplicate: number,
): CardDesign | undefined {
  const { space, layout } = design;
  const sums = plan.interval === 'replicates' || plan.interval === 'none';
  if (design.design !== 'sobol' || space.dependence !== undefined) return undefined;
  if (!sums || plan.missing !== 'error' || perReplicate % SUM_BLOCK !== 0) return undefined;
  const d = space.dimension;
  const { rows } = layout;
  const shape = { d, width: layout.matrices * d, rows, outputs, terms: quantities.terms };
  const block = 4 * SUM_BLOCK * Math.max(rows * Math.max(d, outputs), shape.width);
  const most = Math.min(gpu.limits.arrayBytes, Math.max(MOST_BYTES, block));
  const laws = cardLaws(space.laws);
  if (laws === undefined || block > most) return undefined;
  return { layout, shape, laws, capacity: SUM_BLOCK * Math.floor(most / block) };
}
