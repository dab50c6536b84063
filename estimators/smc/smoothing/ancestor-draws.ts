import type { Arena, Backend } from '../../../engine/backend/backend.ts';
import { quantise } from '../../../engine/particles/integer-weights.ts';
import { makeWeigher } from '../../../engine/particles/weigher.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import { channel, type Rng } from '../../../engine/random/rng.ts';
import type { KernelArgs } from '../../../engine/wasm/kernels.ts';
import { log } from '../../../engine/wasm/twins/elementary.ts';
import { philoxBlock, uniform64 } from '../../../engine/wasm/twins/philox.ts';
import { searchAncestors } from '../../../engine/wasm/twins/resampling.ts';
import { blockCount } from '../../../engine/wasm/twins/sums.ts';
import { type RunFrame, takeRows } from './run-frame.ts';
import { badLogTransition, type DensityModel, makeTile, type TransitionTile } from './transition-tile.ts';

/*
 * Backward draws. Given the particles of steps t and t + 1, a particle j of t + 1 had its parent i with probability
 *
 *   B_t(j, i) = W_t^i f_{t+1}(x_{t+1}^j | x_t^i) / sum over l of W_t^l f_{t+1}(x_{t+1}^j | x_t^l)
 *
 * Draws are addressed by (purpose 5, step t, particle = path, sub = try, block): words 0, 1 are the index and 2, 3 the
 * acceptance.
 */

/** Ancestors wanted: for request j one of the particles of step t from which particle child[j] of step t + 1 may come. */
export interface AncestorRequests {
  /** t */
  readonly step: number;
  readonly rng: Rng;
  /** Step t. */
  readonly parents: RunFrame;
  /** Step t + 1. */
  readonly children: RunFrame;
  readonly count: number;
  /** [count] slots at step t + 1. */
  readonly child: Uint32Array;
  /** [count] which particle's random numbers a request draws. */
  readonly particle: Uint32Array;
  /** Which block of them. */
  readonly block: number;
  /** [count] out: slots at step t. */
  readonly ancestor: Uint32Array;
}

/** What backward draws met, in counts of draws. */
export interface BackwardTally {
  /** Ancestors drawn. */
  draws: number;
  /** Proposals made. */
  proposals: number;
  /** Proposals accepted. */
  accepted: number;
  /** Draws whose ancestor is not the parent that the filter gave. */
  moved: number;
  /** Draws that ran out of trials and were made exactly. */
  fallbacks: number;
  /** Draws whose particle no parent can have led to, by Metropolis steps not its own: the filter's parent stands. */
  unsupported: number;
}

export const NO_DRAWS: BackwardTally = {
  draws: 0,
  proposals: 0,
  accepted: 0,
  moved: 0,
  fallbacks: 0,
  unsupported: 0,
};

/** A way to draw ancestors. */
export type AncestorDraws = (requests: AncestorRequests, tally: BackwardTally) => Promise<void>;

/** Work arrays and steps that all ways share, for n particles and at most m requests. */
export interface DrawingKit {
  readonly where: string;
  readonly model: DensityModel;
  readonly n: number;
  readonly tile: TransitionTile;
  /** [m] requests still open. */
  readonly open: Uint32Array;
  /** [m] proposals, for the open requests in their order. */
  readonly proposed: Uint32Array;
  /** [m] uniforms of the index. */
  readonly u: Float64Array;
  /** [m] log of the uniforms of the acceptance. */
  readonly logU: Float64Array;
  /** [m] */
  readonly logF: Float64Array;
  readonly spare: Float64Array;
  /** Lists of requests by child, for exact draws: heads [n], children that have one [n], successors [m]. */
  readonly head: Uint32Array;
  readonly children: Uint32Array;
  readonly next: Uint32Array;
  /** Take the weights of the parents to propose from. */
  aim(parents: RunFrame): Promise<void>;
  /** Uniforms of one try for the first `count` open requests. */
  drawUniforms(requests: AncestorRequests, attempt: number, count: number): void | Promise<void>;
  /** Independent draws from the weights by `u`, into `proposed`: never sorted, so that requests are exchangeable. */
  propose(count: number): void | Promise<void>;
  /**
   * log f from slots `parent` to the children of the first `count` open requests, into `out`.
   * @throws ValueError at NaN or +Infinity.
   */
  density(requests: AncestorRequests, parent: Uint32Array, count: number, out: Float64Array): void;
}

export function makeDrawingKit(
  where: string,
  backend: Backend,
  arena: Arena,
  model: DensityModel,
  n: number,
  m: number,
): DrawingKit {
  const d = model.dimension;
  const proposals = makeProposals(backend, arena, n);
  const parentRows = arena.f64(m * d);
  const childRows = arena.f64(m * d);
  const childSlot = arena.u32(m);
  const proposed = arena.u32(m);
  const open = arena.u32(m);
  const u = arena.f64(m);
  const logU = arena.f64(m);
  const [logF, spare] = [arena.f64(m), arena.f64(m)];
  const drawUniforms = makeUniforms(backend, { open, u, logU, words: arena.u32(4 * m) });
  return {
    ...{ where, model, n, open, proposed, u, logU, logF, spare, drawUniforms },
    ...{ head: arena.u32(n), children: arena.u32(n), next: arena.u32(m) },
    tile: makeTile(where, backend, arena, model, n),
    aim: (parents) => proposals.aim(parents.logWeight),
    propose: (count) => proposals.draw(u, proposed, count),
    density({ step, parents, children, child }, parent, count, out) {
      for (let j = 0; j < count; j++) childSlot[j] = child[open[j]!]!;
      takeRows(parents.x, d, parent, count, parentRows);
      takeRows(children.x, d, childSlot, count, childRows);
      const [from, to] = [parentRows.subarray(0, count * d), childRows.subarray(0, count * d)];
      model.logTransition(step + 1, from, to, out.subarray(0, count));
      for (let j = 0; j < count; j++)
        if (!(out[j]! < Infinity)) throw badLogTransition(where, step + 1, out[j]!, parent[j]!);
    },
  };
}

interface UniformArrays extends Pick<DrawingKit, 'open' | 'u' | 'logU'> {
  /** [m, 4] */
  readonly words: Uint32Array;
}

/** Draws of neighbouring particles that are worth a kernel. */
const MANY = 32;

/** `drawUniforms` of a kit: by kernels where the requests are those of neighbouring particles, as those of all paths are. */
function makeUniforms(backend: Backend, { open, u, logU, words }: UniformArrays): DrawingKit['drawUniforms'] {
  const one = new Uint32Array(4);
  return ({ rng, step, particle, block }, attempt, count) => {
    const [k0, k1] = rng.key;
    const last = channel(PURPOSE.backward, attempt);
    const first = particle[open[0]!]!;
    let j = 0;
    while (j < count && particle[open[j]!] === first + j) j++;
    if (j < count || count < MANY) {
      for (j = 0; j < count; j++) {
        philoxBlock(particle[open[j]!]!, step, block, last, k0, k1, one);
        u[j] = uniform64(one[0]!, one[1]!);
        logU[j] = log(uniform64(one[2]!, one[3]!));
      }
      return undefined;
    }
    return inOneGo(backend, [words, k0, k1, first, step, block, last], { u, logU, count });
  };
}

async function inOneGo(
  backend: Backend,
  args: KernelArgs<'philoxWords'>,
  { u, logU, count }: Pick<DrawingKit, 'u' | 'logU'> & { readonly count: number },
): Promise<void> {
  const [words] = args;
  await backend.dispatch('philoxWords', args, count);
  for (let j = 0, at = 0; j < count; j++, at += 4) {
    u[j] = uniform64(words[at]!, words[at + 1]!);
    logU[j] = uniform64(words[at + 2]!, words[at + 3]!);
  }
  await backend.dispatch('logInto', [logU, logU], count);
}

/** Independent draws from weights. */
export interface Proposals {
  /** The weights of the draws to come: [n] natural log, unnormalised. @throws DegeneracyError when all are dead. */
  aim(logWeight: Float64Array): Promise<void>;
  /** Slots for the first `count` uniforms of `u`; both arrays from the arena. */
  draw(u: Float64Array, out: Uint32Array, count: number): void | Promise<void>;
}

const FEW = 256;

export function makeProposals(backend: Backend, arena: Arena, n: number): Proposals {
  const { weigh, weight, partial, spend } = makeWeigher(backend, arena, n);
  const lent = arena.f64(n);
  const cumulative = arena.f64(n);
  let total = 0;
  return {
    async aim(logWeight) {
      lent.set(logWeight);
      await weigh(lent);
      const buffers = { q: weight, cumulative, partial: partial.subarray(0, blockCount(n)) };
      ({ total } = await quantise(backend, buffers, n, spend().sum, 1));
    },
    draw(u, out, count) {
      if (count >= FEW) return backend.dispatch('searchAncestors', [cumulative, total, n, u, out], count);
      // The twin gives the same bits, and a few searches are not worth a dispatch.
      searchAncestors(cumulative, total, n, u, out, 0, count);
      return undefined;
    },
  };
}
