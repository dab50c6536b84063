import type { OpenTreeChain, TreeChain, TreeChainOpening, TreeChainSource } from './types.ts';

export type { OpenTreeChain, TreeChainOpening, TreeChainSource };

/** A chain in use, which `dispose` gives back. Functions of a plain one are called on itself: it may have a state. */
export async function openTreeChain(
  chain: TreeChain | TreeChainSource,
  opening: TreeChainOpening,
): Promise<TreeChain & OpenTreeChain> {
  const { dimension, steps, branches, gradients = 0 } = chain;
  const shape = { dimension, steps, gradients, ...(branches === undefined ? {} : { branches }) };
  if ('open' in chain) return { ...shape, ...(await chain.open(opening)) };
  return Object.assign(Object.create(chain) as TreeChain, { dispose: () => undefined });
}
