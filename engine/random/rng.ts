import { show } from '../check.ts';
import { OptionError } from '../errors.ts';
import { normalQuantile } from '../wasm/twins/normal.ts';
import { philoxBlock, uniform64 } from '../wasm/twins/philox.ts';
import type { Purpose } from './purpose.ts';

/** Where a stream of random numbers starts. Same address, same numbers, on any thread and backend. */
export interface Address {
  readonly purpose: Purpose | number;
  /** Index of the step at which the draw is used. Default 0. */
  readonly step?: number;
  /** Particle, row or slot. Default 0. */
  readonly particle?: number;
  /** Try, move or replicate number below 2^24. Default 0. */
  readonly sub?: number;
}

/** The numbers of one address, in order. */
export interface Stream {
  /** Next uniform in (0, 1) on the 64-bit grid. */
  uniform(): number;
  /** Next standard normal, the inverse CDF of the next uniform. */
  normal(): number;
  /** Next integer in 0..n-1, floor(u n). */
  below(n: number): number;
  /** Where its numbers begin, for kernels that draw many at once; absent once one was drawn, and where it is not known. */
  readonly origin?: StreamOrigin | undefined;
}

/** The words of an address as kernels take them. */
export interface StreamOrigin {
  readonly key: readonly [number, number];
  readonly channel: number;
  readonly step: number;
  readonly particle: number;
}

/** Counter-based random numbers under one key. */
export interface Rng {
  /** The two 32-bit words of the key. */
  readonly key: readonly [number, number];
  stream(address: Address): Stream;
  /** An independent generator for replicate, chain, ... `index` (see `TAG`). Never for workers. */
  child(tag: number, index: number): Rng;
}

/**
 * Generator of a seed.
 * @throws OptionError unless the seed is an integer in [0, 2^53 - 1]. Zero is a seed.
 */
export function rngFromSeed(seed: number): Rng {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new OptionError({
      where: 'rngFromSeed',
      option: 'seed',
      value: seed,
      found: `option \`seed\` is ${show(seed)}`,
      expected: 'an integer in [0, 2^53 - 1]',
    });
  }
  return rngFromKey(seed >>> 0, Math.floor(seed / 4294967296));
}

/** Generator of a raw key, used by child generators and tests. */
export function rngFromKey(k0: number, k1: number): Rng {
  return {
    key: [k0, k1],
    stream: (address) => makeStream(k0, k1, address),
    child(tag, index) {
      const words = new Uint32Array(4);
      philoxBlock(index >>> 0, Math.floor(index / 4294967296), tag, 0xffffffff, k0, k1, words);
      return rngFromKey(words[0]!, words[1]!);
    },
  };
}

/** purpose << 24 | sub, the last word of the counter. */
export function channel(purpose: number, sub = 0): number {
  return ((purpose << 24) | sub) >>> 0;
}

function makeStream(k0: number, k1: number, address: Address): Stream {
  const { purpose, step = 0, particle = 0, sub = 0 } = address;
  const last = channel(purpose, sub);
  const words = new Uint32Array(4);
  let drawn = 0;
  const uniform = (): number => {
    const second = drawn & 1;
    if (second === 0) philoxBlock(particle, step, drawn >>> 1, last, k0, k1, words);
    drawn++;
    return second === 0 ? uniform64(words[0]!, words[1]!) : uniform64(words[2]!, words[3]!);
  };
  return { uniform, normal: () => normalQuantile(uniform()), below: (n) => Math.floor(uniform() * n) };
}
