import type { FeynmanKac } from '../../../engine/particles/smc/feynman-kac.ts';
import { auxiliary } from '../filter/auxiliary.ts';
import { bootstrap } from '../filter/bootstrap.ts';
import { guided } from '../filter/guided.ts';
import type { Lookahead, Proposal, StateFields, StateSpaceModel } from '../state-space.ts';

interface Filter {
  readonly where: string;
  readonly model: StateSpaceModel;
  readonly observations: readonly (Float64Array | null)[];
  readonly options: { readonly proposal?: Proposal; readonly lookahead?: Lookahead };
}

/**
 * The filter whose particles are smoothed; smoothing asks only that its weights aim at p(x_t | y_0..y_t).
 * @throws OptionError when there is a proposal and the model lacks a density.
 */
export function filterModel({ where, model, observations, options }: Filter): FeynmanKac<StateFields> {
  const { proposal, lookahead } = options;
  const filter =
    proposal === undefined ? bootstrap(model, observations) : guided(model, observations, proposal, where);
  return lookahead === undefined ? filter : auxiliary(filter, observations, lookahead);
}
