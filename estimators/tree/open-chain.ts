import type { Backend } from '../../engine/backend/backend.ts';
import type { TreeChain } from './types.ts';

/** What a chain is opened with. */
export interface TreeChainOpening {
  readonly backend: Backend;
  readonly signal: AbortSignal;
}

/** A chain that holds what must be given back after a run: a denoiser in use, memory, a device. */
export interface TreeChainSource extends Pick<TreeChain, 'dimension' | 'steps' | 'branches' | 'gradients'> {
  /** What tells it from others: a saved run goes on with the same alone. */
  readonly fingerprint: string;
  /** What tells its law from others, whatever the reward: what a saved run that is weighed anew must share. */
  readonly law: string;
  open(opening: TreeChainOpening): Promise<OpenTreeChain>;
}

/** The functions of a chain, for one run. */
export interface OpenTreeChain extends Omit<TreeChain, 'dimension' | 'steps' | 'branches' | 'gradients'> {
  dispose(): void;
}

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
