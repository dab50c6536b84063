import { PURPOSE } from '../random/purpose.ts';
import { channel, type Rng } from '../random/rng.ts';
import type { Density } from '../types.ts';
import { uniform as uniforms } from '../wasm/twins/philox.ts';
import type { Law } from './law.ts';

/** Where the draws stand in the streams of a generator: row i is particle `particle + i`. */
export interface DrawAddress {
  /** Default `PURPOSE.init`. */
  readonly purpose?: number;
  /** Default 0. */
  readonly step?: number;
  /** Particle of the first row. Default 0. */
  readonly particle?: number;
  /** Default 0. */
  readonly sub?: number;
}

/**
 * `count` independent draws [n] of a law, quantile(uniform): draw i depends on the address of particle
 * `particle + i` alone, so any split of the rows over workers gives the same numbers.
 */
export function drawLaw(law: Law, rng: Rng, count: number, address: DrawAddress = {}): Float64Array {
  const x = drawUniforms(rng, count, 1, address);
  const { quantile } = law;
  for (let i = 0; i < count; i++) x[i] = quantile(x[i]!);
  return x;
}

/** `count` independent points [n, d] of a multivariate law, the transport of uniforms addressed as in `drawLaw`. */
export function drawPoints(
  density: Density,
  rng: Rng,
  count: number,
  address: DrawAddress = {},
): Float64Array {
  const x = drawUniforms(rng, count, density.dimension, address);
  density.transport(x, x);
  return x;
}

function drawUniforms(rng: Rng, count: number, d: number, address: DrawAddress): Float64Array {
  const { purpose = PURPOSE.init, step = 0, particle = 0, sub = 0 } = address;
  const out = new Float64Array(count * d);
  uniforms(out, d, rng.key[0], rng.key[1], particle, step, channel(purpose, sub), 0, count);
  return out;
}
