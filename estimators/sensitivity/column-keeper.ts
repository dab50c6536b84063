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
  method: KeeperPlan,
  evaluator: Evaluator,
  ctx: Pick<Context, 'backend' | 'rng'>,
  perReplicate: number,
): Keeper {
  const { design, plan } = method;
  const d = design.space.dimension;
  checkMemory(design.where, shapeOf(design, Math.max(1, evaluator.outputs.length), perReplicate));
  const held = hold(method, evaluator, ctx, perReplicate);
  return {
    kind: 'columns',
    grain: 1,
    get capacity() {
      return held.tile().capacity;
    },
    get store() {
      return held.columns();
    },
    async evaluate(replicate, first, n) {
      const { fill, last } = held.tile();
      const x = await fill(replicate, first, n);
      const { y, failures } = await evaluator.evaluate(x, n * design.layout.rows);
      const columns = held.columns();
      const at = replicate * columns.perReplicate + first;
      scatter(columns, y, at, n);
      columns.x.set(last.subarray(0, n * d), at * d);
      if (plan.missing === 'error') return { failures, dropped: 0 };
      const before = evaluator.evaluations - n * columns.rows;
      const rows = failures.map(({ index }) => index - before);
      return { failures, dropped: applyMissing(columns, plan.missing, rows, at) };
    },
    fits: (more) => fits(shapeOf(design, evaluator.outputs.length, more)),
    resize(more, filled) {
      const old = held.reopen(more);
      if (old === undefined) return;
      copyStore(old, held.columns(), filled);
      old.arena.release();
    },
    write() {
      const { opened } = held;
      return opened === undefined ? {} : { y: opened.y, x: opened.x, dropped: opened.dropped };
    },
    read({ y, x, dropped }) {
      if (y === undefined) return;
      const columns = held.columns();
      columns.y.set(y);
      columns.x.set(x!);
      columns.dropped.set(dropped!);
    },
    release: () => held.reopen(perReplicate)?.arena.release(),
  };
}

/** The tile and the columns of a keeper, each opened when it is first wanted. */
interface Held {
  tile(): DesignTile;
  columns(): Store;
  readonly opened: Store | undefined;
  /** Begin anew with another number of base points a replicate; the columns there were are the caller's to give back. */
  reopen(perReplicate: number): Store | undefined;
}

function hold(
  { design, plan }: KeeperPlan,
  evaluator: Evaluator,
  { backend, rng }: Pick<Context, 'backend' | 'rng'>,
  perReplicate: number,
): Held {
  let room = perReplicate;
  let tile: DesignTile | undefined;
  let store: Store | undefined;
  return {
    tile() {
      tile ??= designTile(design, room, rng, backend);
      return tile;
    },
    columns() {
      if (store !== undefined) return store;
      // The first outputs tell how many there are.
      const outputs = evaluator.outputs.length;
      if (plan.means !== undefined) checkMeans(design.where, plan.means, outputs);
      const shape = shapeOf(design, outputs, room);
      checkMemory(design.where, shape);
      store = openStore(backend, shape);
      return store;
    },
    get opened() {
      return store;
    },
    reopen(more) {
      const old = store;
      tile?.release();
      tile = undefined;
      store = undefined;
      room = more;
      return old;
    },
  };
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
