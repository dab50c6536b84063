import { moduleModel } from '../../engine/model/model.ts';
import { treeSampler } from '../../estimators/tree/tree-sampler.ts';
import type { TreeMode } from '../../estimators/tree/types.ts';
import { tokenChain } from '../support/tree-chains.ts';

const forest = (name: string, mode: TreeMode, iterations = 48) =>
  treeSampler({
    ...{ chain: tokenChain(0.5), trees: 5, iterations, batch: 4, mode },
    module: moduleModel(import.meta.url, name),
  });

/** For clusters, which import them. */
export const planned = () => forest('planned', 'ipw');
export const published = () => forest('published', 'paper');
/** Says that it is another one. */
export const other = () => forest('planned', 'ipw', 52);
export const nothing = 7;
