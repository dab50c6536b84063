import type { Stream } from '../../engine/random/rng.ts';
import type { KernelName } from '../../engine/wasm/kernels.ts';
import { type Allocator, count, type MakeCall, numbers, withSpecials } from './draws.ts';

/** theta, d, data, terms, first, last and `out` of a call over `tiles`; sometimes of more data than one product takes. */
function regression(allocate: Allocator, draw: Stream, tiles: number): (Float64Array | number)[] {
  const d = count(draw, 7);
  const terms = draw.below(8) === 0 ? 990 + draw.below(1100) : count(draw, 40);
  const first = draw.below(terms);
  const last = draw.below(2) === 0 ? terms : first + draw.below(terms - first + 1);
  // Margins from those of ordinary data to those where e^-|z| is 0; or anything.
  const scale = 10 ** (4 * draw.uniform());
  const usual = (): number => scale * draw.normal();
  const next = draw.below(4) === 0 ? withSpecials(draw, usual) : usual;
  const theta = allocate.f64(numbers(8 * tiles * d, next));
  const data = allocate.f64(numbers(d * terms, draw.normal));
  return [theta, d, data, terms, first, last, allocate.f64(new Float64Array(8 * tiles))];
}

export const LOGISTIC_CASES: { readonly [name in KernelName]?: MakeCall } = {
  logisticLogDensity: (allocate, draw) => {
    const tiles = count(draw, 4);
    return { args: regression(allocate, draw, tiles), count: tiles };
  },
  logisticGradient: (allocate, draw) => {
    const tiles = count(draw, 4);
    const args = regression(allocate, draw, tiles);
    const gradient = allocate.f64(numbers(8 * tiles * (args[1] as number), draw.normal));
    return { args: [...args, gradient], count: tiles };
  },
};
