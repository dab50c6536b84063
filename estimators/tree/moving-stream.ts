import type { Purpose } from '../../engine/random/purpose.ts';
import { channel, type Stream, type StreamOrigin } from '../../engine/random/rng.ts';
import { normalQuantile } from '../../engine/wasm/twins/normal.ts';
import { philoxBlock, uniform64 } from '../../engine/wasm/twins/philox.ts';

/** A stream that is sent from address to address, so that a draw costs no allocation. */
export interface MovingStream extends Stream {
  /** From here on, what `rng.stream({ purpose, step, particle })` of the same key gives. */
  to(purpose: Purpose, step: number, particle: number): void;
}

/** @param key of the run's generator. */
export function movingStream(key: readonly [number, number]): MovingStream {
  const [k0, k1] = key;
  const words = new Uint32Array(4);
  let last = 0;
  let step = 0;
  let particle = 0;
  let drawn = 0;
  const uniform = (): number => {
    const second = drawn & 1;
    if (second === 0) philoxBlock(particle, step, drawn >>> 1, last, k0, k1, words);
    drawn++;
    return second === 0 ? uniform64(words[0]!, words[1]!) : uniform64(words[2]!, words[3]!);
  };
  return {
    to(purpose, toStep, toParticle) {
      last = channel(purpose);
      step = toStep;
      particle = toParticle;
      drawn = 0;
    },
    uniform,
    normal: () => normalQuantile(uniform()),
    below: (n) => Math.floor(uniform() * n),
    get origin(): StreamOrigin | undefined {
      return drawn === 0 ? { key, channel: last, step, particle } : undefined;
    },
  };
}
