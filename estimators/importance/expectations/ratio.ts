import { exp } from '../../../engine/wasm/twins/elementary.ts';

/** Ratios are cut at e^700: beyond, one point would be all there is, and the arithmetic would end. */
const STEEPEST = 700;

/** e^l, at most e^700. */
export function ratioOf(l: number): number {
  return exp(Math.min(l, STEEPEST));
}
