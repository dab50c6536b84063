import type { Stream } from './rng.ts';

/**
 * A uniformly random permutation of 0..n-1 into `out` [n] (all n! alike, up to the 2^-52 grid of the uniforms).
 * Cost O(n): n - 1 draws of the stream. Source: Durstenfeld (1964), algorithm 235.
 */
export function randomPermutation(out: Uint32Array, stream: Stream): void {
  for (let i = 0; i < out.length; i++) out[i] = i;
  for (let i = out.length - 1; i > 0; i--) {
    const j = stream.below(i + 1);
    const held = out[i]!;
    out[i] = out[j]!;
    out[j] = held;
  }
}
