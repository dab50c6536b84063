import type { Arena, Backend } from '../backend/backend.ts';
import type { Gpu, GpuArena, GpuArray } from '../backend/gpu/types.ts';
import { slotAncestors, stratifiedEnds, stratumUniforms, systematicEnds } from '../backend/wgsl/ancestors.ts';
import { toLimbs } from '../backend/wgsl/limbs.ts';
import { makeScan } from '../backend/wgsl/scan.ts';
import { checkOneOf } from '../check.ts';
import { PURPOSE } from '../random/purpose.ts';
import { channel, rngFromKey } from '../random/rng.ts';
import { blockCount } from '../wasm/twins/sums.ts';
import { exclusiveOffsets } from '../wasm/twins/weights.ts';
import type { WeightSummary } from './log-weight.ts';
import type { DrawAt } from './resampler.ts';
import { makeWeigher } from './weigher.ts';

/** Schemes whose ancestors a card finds: those that need only the sums of the weights. */
export type CardScheme = 'systematic' | 'stratified';

const SCHEMES = ['systematic', 'stratified'] as const;

export interface CardResamplerOptions {
  readonly gpu: Gpu;
  /** Where its arrays on the card live. */
  readonly cardArena: GpuArena;
  /** The host, where weights are float64. */
  readonly backend: Backend;
  readonly arena: Arena;
  /** Particles weighed, n. */
  readonly particles: number;
  /** Slots filled, m. Default n. */
  readonly slots?: number;
  /** Default 'systematic'. */
  readonly scheme?: CardScheme;
}

/**
 * Weighs n particles on the host and finds their ancestors on the card: the ones that `makeResampler` would draw on the
 * host from the same weights and address, all of them, because weights are integers and everything after is exact.
 */
export interface CardResampler {
  readonly scheme: CardScheme;
  /**
   * Summary of n log-weights (an array of the host's arena). Not modified.
   * @throws ValueError at NaN or +Infinity, with the particle.
   */
  weigh(logWeight: Float64Array): Promise<WeightSummary>;
  /** exp(logWeight - max) of the last `weigh`, [n]; overwritten by `draw`. */
  readonly weight: Float64Array;
  /**
   * Ancestors with the weights of the last `weigh`, [m] on the card; once for each `weigh`. The array is overwritten by
   * the next call.
   * @throws DegeneracyError when all particles were dead.
   */
  draw(at: DrawAt): Promise<GpuArray<'u32'>>;
}

/** @throws OptionError for a scheme that needs the host. */
export function makeCardResampler(options: CardResamplerOptions): CardResampler {
  const { gpu, cardArena, backend, arena, particles: n, slots: m = n, scheme: name = 'systematic' } = options;
  const scheme = checkOneOf('resample', 'scheme', name, SCHEMES);
  const blocks = blockCount(n);
  const { weigh, weight, partial, spend } = makeWeigher(backend, arena, n);
  const [q, cumulative] = [cardArena.u32(2 * n), cardArena.u32(2 * n)];
  const [end, ancestor] = [cardArena.u32(n), cardArena.u32(m)];
  const scan = makeScan(gpu, cardArena, n, 'float64');
  const uniforms = cardArena.u32(scheme === 'stratified' ? 2 * m : 0);

  const draw = async ({ key: [k0, k1], step }: DrawAt): Promise<GpuArray<'u32'>> => {
    const { sum } = spend();
    await backend.dispatch('quantiseBlocks', [weight, n, sum, weight, partial], blocks);
    const [totalLow = 0, totalHigh = 0] = toLimbs([exclusiveOffsets(partial, blocks)]);
    gpu.write(q, new Uint32Array(weight.buffer, weight.byteOffset, 2 * n));
    scan.run(q, cumulative);
    const total = { totalLow, totalHigh, m };
    if (scheme === 'systematic') {
      const u = rngFromKey(k0, k1).stream({ purpose: PURPOSE.resampling, step }).uniform();
      const [uLow = 0, uHigh = 0] = toLimbs([u * 2 ** 53]);
      gpu.run(systematicEnds, { cumulative, end }, { ...total, uLow, uHigh }, n);
    } else {
      const address = { k0, k1, step, channel: channel(PURPOSE.resampling) };
      gpu.run(stratumUniforms, { u: uniforms }, address, m);
      gpu.run(stratifiedEnds, { cumulative, u: uniforms, end }, total, n);
    }
    gpu.run(slotAncestors, { end, ancestor }, { n }, m);
    return ancestor;
  };

  return { scheme, weigh, weight, draw };
}
