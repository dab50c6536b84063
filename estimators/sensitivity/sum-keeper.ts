import type { Evaluator } from '../../engine/model/evaluator.ts';
import type { Keeper, KeeperPlan } from './keeper.ts';
import { checkMeans } from './plan.ts';
import {
  checkSums,
  copySums,
  openSums,
  putBlocks,
  readSums,
  SUM_BLOCK,
  type SumProgram,
  type SumShape,
  sumsFit,
  writeSums,
} from './sum-store.ts';
import type { Summer } from './summer.ts';

/**
 * Keeps sums by blocks. Outputs must be known, as those of a kernel are.
 * @throws OptionError when the sums do not fit into memory.
 */
export function sumKeeper(
  { design, plan }: KeeperPlan,
  { outputs }: Evaluator,
  program: SumProgram,
  openSummer: () => Summer,
  perReplicate: number,
): Keeper {
  const shapeOf = (room: number): SumShape => ({
    outputs: outputs.length,
    replicates: design.points.replicates,
    perReplicate: room,
    dimension: design.space.dimension,
  });
  const shape = shapeOf(perReplicate);
  checkSums(design.where, shape, program);
  if (plan.means !== undefined) checkMeans(design.where, plan.means, outputs.length);
  const summer = openSummer();
  let store = openSums(shape, program, undefined);
  return {
    kind: 'sums',
    grain: SUM_BLOCK,
    capacity: summer.capacity,
    get store() {
      return store;
    },
    async evaluate(replicate, first, n) {
      const pictures = Math.max(0, store.pictures.each - first);
      const { pilot, blocks, failures } = await summer.sum({
        replicate,
        first,
        n,
        pilot: store.pilot,
        pictures,
      });
      if (failures.length === 0) {
        store = { ...store, pilot };
        putBlocks(store, replicate, first, blocks);
      }
      return { failures, dropped: 0 };
    },
    fits: (more) => sumsFit(shapeOf(more), program),
    resize(more, filled) {
      const old = store;
      store = openSums(shapeOf(more), program, old.pilot);
      copySums(old, store, filled);
    },
    write: () => writeSums(store),
    read(arrays) {
      store = readSums(store, arrays);
    },
    release: summer.release,
  };
}
