import type { Stream } from '../../engine/random/rng.ts';
import type { KernelName } from '../../engine/wasm/kernels.ts';
import { type Allocator, address, count, type MakeCall, numbers, withSpecials, word } from './draws.ts';

interface Mixture {
  readonly n: number;
  readonly d: number;
  readonly components: number;
  readonly x: Float64Array;
  /** means, whiten, logConstant. */
  readonly parameters: readonly [Float64Array, Float64Array, Float64Array];
}

/** Points near, far from and beyond what a mixture reaches; some components of weight 0. */
function mixture(allocate: Allocator, draw: Stream, most = 40): Mixture {
  const n = count(draw, most);
  // Two dimensions, the ones with a path of their own, in half of the trials.
  const d = draw.below(2) === 0 ? 2 : count(draw, 6);
  const components = count(draw, 9);
  const spread = [1, 30, 1e160][draw.below(3)]!;
  const coordinate = (): number => spread * draw.normal();
  const x = numbers(n * d, draw.below(2) === 0 ? coordinate : withSpecials(draw, coordinate));
  return {
    n,
    d,
    components,
    x: allocate.f64(x),
    parameters: [
      allocate.f64(numbers(components * d, () => 3 * draw.normal())),
      allocate.f64(numbers(components * 0.5 * d * (d + 1), draw.normal)),
      allocate.f64(numbers(components, () => (draw.below(5) === 0 ? -Infinity : draw.normal()))),
    ],
  };
}

export const MIXTURE_CASES: { readonly [name in KernelName]?: MakeCall } = {
  mixtureScore: (allocate, draw) => {
    const { n, d, x, parameters, components } = mixture(allocate, draw);
    const answer = [allocate.f64(new Float64Array(n)), allocate.f64(new Float64Array(n * d))];
    return { args: [x, d, ...parameters, components, ...answer], count: n };
  },
  mixtureLogDensity: (allocate, draw) => {
    const { n, d, x, parameters, components } = mixture(allocate, draw);
    return { args: [x, d, ...parameters, components, allocate.f64(new Float64Array(n))], count: n };
  },
  componentDensities: (allocate, draw) => {
    const { n, d, x, parameters, components } = mixture(allocate, draw);
    const extra = allocate.f64(numbers(n, () => (draw.below(5) === 0 ? -Infinity : draw.normal())));
    const answer = [allocate.f64(new Float64Array(n * (components + 1))), allocate.f64(new Float64Array(n))];
    return { args: [x, d, ...parameters, components, extra, ...answer], count: n };
  },
  shareBlocks: (allocate, draw) => {
    const n = count(draw, 2100);
    const width = count(draw, 19);
    const blocks = Math.ceil(n / 1024);
    const ratio = allocate.f64(numbers(n * width, draw.uniform));
    const roughness = allocate.f64(numbers(n, () => Math.max(0, draw.normal())));
    const share = allocate.f64(numbers(width, draw.uniform));
    const partial = allocate.f64(new Float64Array(blocks * (width + 1)));
    return { args: [ratio, width, n, roughness, share, 1e-140, partial], count: blocks };
  },
  weightedMoments: (allocate, draw) => {
    const n = count(draw, 300);
    const d = count(draw, 6);
    const octets = count(draw, 3);
    const x = allocate.f64(numbers(n * d, draw.normal));
    const dead = draw.below(4) === 0;
    const weight = numbers(n * 8 * octets, () => (dead ? 0 : Math.max(0, draw.normal())));
    const rows = 2 + 2 * d + (d * (d + 1)) / 2;
    const moments = allocate.f64(new Float64Array(8 * octets * rows));
    return { args: [x, d, n, allocate.f64(weight), 8 * octets, moments], count: octets };
  },
  randomWalk: (allocate, draw) => {
    const n = count(draw, 900);
    const d = count(draw, 6);
    const x = allocate.f64(numbers(n * d, withSpecials(draw, draw.normal)));
    const next = allocate.f64(new Float64Array(n * d));
    const scale = allocate.f64(numbers(d, draw.uniform));
    return { args: [x, next, scale, d, ...address(draw), word(draw)], count: n };
  },
  langevin: (allocate, draw) => {
    // More than the rows of a tile.
    const { n, d, x, parameters, components } = mixture(allocate, draw, 1300);
    const next = allocate.f64(new Float64Array(n * d));
    const answer = [allocate.f64(new Float64Array(n)), allocate.f64(new Float64Array(n * d))];
    const stepSize = draw.below(4) === 0 ? 0 : draw.uniform();
    return {
      args: [x, next, stepSize, d, ...parameters, components, ...answer, ...address(draw), word(draw)],
      count: n,
    };
  },
};
