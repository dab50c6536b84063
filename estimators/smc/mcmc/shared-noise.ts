import type { Backend } from '../../../engine/backend/backend.ts';
import { normalCdf } from '../../../engine/math/erfc.ts';
import { makeHilbertOrder } from '../../../engine/particles/hilbert-order.ts';
import { summarise } from '../../../engine/particles/log-weight.ts';
import type { NoiseSource, Selection } from '../../../engine/particles/smc/feynman-kac.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import { channel, type Rng } from '../../../engine/random/rng.ts';
import { systematicAncestors } from '../../../engine/wasm/twins/resampling.ts';
import { blockCount } from '../../../engine/wasm/twins/sums.ts';
import { exclusiveOffsets, quantiseBlocks, scanBlocks } from '../../../engine/wasm/twins/weights.ts';
import type { StateFields } from '../state-space.ts';

/*
 * Filters of one chain that share most of their randomness: all standard normals u behind a filter, those of the particles and one
 * for each resampling, go from one filter of the chain to the next by
 *
 *   u' = rho u + sqrt(1 - rho^2) z,   z fresh
 *
 * which leaves them standard normal. Resampling is systematic along a space-filling curve, so that close particles stay close;
 * then log Z-hat' - log Z-hat varies much less than log Z-hat itself. u' takes the place of u when the candidate is accepted.
 * Source: Deligiannidis, Doucet & Pitt (2018), "The correlated pseudo-marginal method", J. R. Stat. Soc. B 80(5).
 */
export interface SharedNoise {
  /** [C, T (N noise + 1)] u of the filter that each chain holds, and of the one it tries. */
  readonly held: Float64Array;
  readonly tried: Float64Array;
  /** For the loop; `chains` lists the chain of each run, whose u are mixed in unless they are to be `fresh`. */
  noise(chains: readonly number[], fresh: boolean): NoiseSource;
  select(chains: readonly number[], fresh: boolean): Selection<StateFields>;
  /** The candidate of a chain was accepted. */
  accept(chain: number): void;
}

export interface SharedNoiseSize {
  readonly backend: Backend;
  readonly chains: number;
  /** T */
  readonly steps: number;
  readonly particles: number;
  /** Normals a particle takes. */
  readonly noise: number;
  /** d of the state. */
  readonly dimension: number;
  /** rho in (0, 1). */
  readonly correlation: number;
}

export function makeSharedNoise(size: SharedNoiseSize): SharedNoise {
  const { backend, chains, steps, particles: n, correlation: rho } = size;
  const width = n * size.noise + 1;
  const held = new Float64Array(chains * steps * width);
  const tried = new Float64Array(chains * steps * width);
  const rest = Math.sqrt(1 - rho * rho);
  const order = makeCurveAncestors(n, size.dimension);
  const at = (chain: number, step: number): number => (chain * steps + step) * width;
  const mix = (where: number, z: number, fresh: boolean): number => {
    tried[where] = fresh ? z : rho * held[where]! + rest * z;
    return tried[where]!;
  };
  /** The normal of a resampling. */
  const mixed = (chain: number, rng: Rng, step: number, fresh: boolean): number => {
    const z = rng.stream({ purpose: PURPOSE.resampling, step }).normal();
    return mix(at(chain, step) + width - 1, z, fresh);
  };
  return {
    held,
    tried,
    noise: (chainOf, fresh) => async (step, run, normals) => {
      const purpose = channel(step === 0 ? PURPOSE.init : PURPOSE.mutation);
      const [k0, k1] = run.rng.key;
      await backend.dispatch('normal', [normals, normals.length / n, k0, k1, 0, step, purpose], n);
      const from = at(chainOf[run.index]!, step);
      for (let j = 0; j < normals.length; j++) normals[j] = mix(from + j, normals[j]!, fresh);
      // Also where nothing was resampled: what a refused filter left there must not come back.
      mixed(chainOf[run.index]!, run.rng, step, fresh);
    },
    select: (chainOf, fresh) => (step, population, ancestor) => {
      const u = normalCdf(mixed(chainOf[population.index]!, population.rng, step, fresh));
      order(population.field('x'), population.logWeight, u, ancestor);
    },
    accept(chain) {
      held.set(tried.subarray(at(chain, 0), at(chain + 1, 0)), at(chain, 0));
    },
  };
}

/** Systematic resampling of particles in the order of a space-filling curve. */
function makeCurveAncestors(
  n: number,
  d: number,
): (x: Float64Array, logWeight: Float64Array, u: number, ancestor: Uint32Array) => void {
  const curve = makeHilbertOrder(n, d);
  const weight = new Float64Array(n);
  const sorted = new Float64Array(n);
  const order = new Uint32Array(n);
  const blocks = blockCount(n);
  const partial = new Float64Array(blocks);
  return (x, logWeight, u, ancestor) => {
    const { sum } = summarise('resample', logWeight, weight);
    curve(x, weight, order);
    for (let i = 0; i < n; i++) sorted[i] = weight[order[i]!]!;
    quantiseBlocks(sorted, n, sum, sorted, partial, 0, blocks);
    const total = exclusiveOffsets(partial, blocks);
    scanBlocks(sorted, n, partial, sorted, 0, blocks);
    // A uniform of exactly 0 or 1, from a normal far out, would put a pointer outside.
    const inside = Math.min(1 - 2 ** -53, Math.max(2 ** -53, u));
    systematicAncestors(sorted, total, n, inside, ancestor, 0, n);
    for (let i = 0; i < n; i++) ancestor[i] = order[ancestor[i]!]!;
  };
}
