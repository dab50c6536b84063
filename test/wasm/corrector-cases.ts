import type { KernelName } from '../../engine/wasm/kernels.ts';
import { featureWidth, momentSums } from '../../engine/wasm/twins/corrector.ts';
import { address, count, type MakeCall, numbers, withSpecials, word } from './draws.ts';

export const CORRECTOR_CASES: { readonly [name in KernelName]?: MakeCall } = {
  correctorRates: (allocate, draw) => {
    const d = draw.below(3) === 0 ? 2 : count(draw, 7);
    const n = count(draw, 40);
    const stride = n + draw.below(3);
    const experts = count(draw, 3);
    const source = draw.below(3) === 0 ? withSpecials(draw, draw.normal) : draw.normal;
    const width = featureWidth((['rate', 'linear', 'affine'] as const)[draw.below(3)]!, d);
    const [x, scores] = [numbers(n * d, source), numbers(experts * stride * d, source)];
    const [tilted, rested] = [draw.below(2), draw.below(2)];
    return {
      args: [
        allocate.f64(x),
        d,
        stride,
        allocate.f64(scores),
        experts,
        allocate.f64(numbers(3 * experts, draw.normal)),
        ...numbers(4, draw.normal),
        allocate.f64(numbers(tilted * n * d, source)),
        tilted,
        allocate.f64(numbers(rested * n, source)),
        rested,
        allocate.f64(new Float64Array(n * d)),
        allocate.f64(new Float64Array(n * width)),
        width,
      ],
      count: n,
    };
  },
  correctorMove: (allocate, draw) => {
    // More rows than those of a tile.
    const d = count(draw, 6);
    const n = count(draw, Math.ceil(2500 / d));
    const [x, u, next] = [1, 2, 3].map(() => allocate.f64(numbers(n * d, draw.normal)));
    const shift = allocate.f64(numbers(d, draw.normal));
    const noise = draw.below(3) === 0 ? 0 : draw.uniform();
    return {
      args: [x, u, next, d, draw.normal(), draw.uniform(), shift, noise, ...address(draw), word(draw)],
      count: n,
    };
  },
  correctorPotential: (allocate, draw) => {
    const n = count(draw);
    const width = count(draw, 7);
    const features = allocate.f64(numbers(n * width, withSpecials(draw, draw.normal)));
    const theta = allocate.f64(numbers(width, draw.normal));
    return { args: [features, width, theta, draw.uniform(), allocate.f64(new Float64Array(n))], count: n };
  },
  correctorMoments: (allocate, draw) => {
    const n = count(draw, 3500);
    const width = count(draw, 6);
    // Rows of weight 0 hold what they like.
    const weight = numbers(n, () => Math.max(0, draw.normal()));
    const features = numbers(n * width, draw.normal).map((x, at) =>
      weight[Math.floor(at / width)] === 0 ? Number.NaN : x,
    );
    const blocks = Math.ceil(n / 1024);
    return {
      args: [
        allocate.f64(features),
        width,
        n,
        allocate.f64(weight),
        allocate.f64(numbers(width, draw.normal)),
        allocate.f64(new Float64Array(blocks * momentSums(width))),
      ],
      count: blocks,
    };
  },
};
