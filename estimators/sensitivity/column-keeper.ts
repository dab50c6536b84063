import type { PointFailure } from '../../engine/errors.ts';
import type { Evaluator } from '../../engine/model/evaluator.ts';
import type { Context } from '../../engine/sampler.ts';
import { type DesignTile, designTile } from './design.ts';
import type { Keeper, KeeperPlan } from './keeper.ts';
import { checkMeans, type DesignPlan } from './plan.ts';
import { checkMemory, copyStore, fits, openStore, type Store, type StoreShape } from './store.ts';
import { applyMissing, scatter } from './tell.ts';

/**
 * Keeps the outputs of all rows, by column.
 * @throws OptionError when they do not fit into memory.
 */
export function columnKeeper(
  { design, plan }: KeeperPlan,
  evaluator: Evaluator,
  { backend, rng }: Pick<Context, 'backend' | 'rng'>,
  perReplicate: number,
): Keeper {
  const d = design.space.dimension;
  checkMemory(design.where, shapeOf(design, Math.max(1, evaluator.outputs.length), perReplicate));
  let room = perReplicate;
  let tile: DesignTile | undefined;
  let store: Store | undefined;
  const openTile = (): DesignTile => {
    tile ??= designTile(design, room, rng, backend);
    return tile;
  };
  /** Opened when the first outputs tell how many there are. */
  const openColumns = (): Store => {
    if (store !== undefined) return store;
    const outputs = evaluator.outputs.length;
    if (plan.means !== undefined) checkMeans(design.where, plan.means, outputs);
    const shape = shapeOf(design, outputs, room);
    checkMemory(design.where, shape);
    store = openStore(backend, shape);
    return store;
  };
  const forget = (): void => {
    tile?.release();
    tile = undefined;
    store = undefined;
  };
  return {
    kind: 'columns',
    grain: 1,
    get capacity() {
      return openTile().capacity;
    },
    get store() {
      return openColumns();
    },
    async evaluate(replicate, first, n) {
      const { fill, last } = openTile();
      const x = await fill(replicate, first, n);
      const { y, failures } = await evaluator.evaluate(x, n * design.layout.rows);
      const columns = openColumns();
      const at = replicate * room + first;
      scatter(columns, y, at, n);
      columns.x.set(last.subarray(0, n * d), at * d);
      const before = evaluator.evaluations - n * columns.rows;
      return { failures, dropped: settle(columns, failures, before, at) };
    },
    fits: (more) => fits(shapeOf(design, evaluator.outputs.length, more)),
    resize(more, filled) {
      const old = store;
      forget();
      room = more;
      if (old === undefined) return;
      copyStore(old, openColumns(), filled);
      old.arena.release();
    },
    write: () => (store === undefined ? {} : { y: store.y, x: store.x, dropped: store.dropped }),
    read({ y, x, dropped }) {
      if (y === undefined) return;
      const columns = openColumns();
      columns.y.set(y);
      columns.x.set(x!);
      columns.dropped.set(dropped!);
    },
    release() {
      const old = store;
      forget();
      old?.arena.release();
    },
  };

  function settle(columns: Store, failures: readonly PointFailure[], before: number, at: number): number {
    if (plan.missing === 'error') return 0;
    const rows = failures.map(({ index }) => index - before);
    return applyMissing(columns, plan.missing, rows, at);
  }
}

/** Memory of a design with that many outputs and base points a replicate. */
export function shapeOf(
  { layout, space, points }: DesignPlan,
  outputs: number,
  perReplicate: number,
): StoreShape {
  return {
    outputs,
    rows: layout.rows,
    dimension: space.dimension,
    replicates: points.replicates,
    perReplicate,
  };
}
