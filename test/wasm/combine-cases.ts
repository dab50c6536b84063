import type { KernelName } from '../../engine/wasm/kernels.ts';
import { count, type MakeCall, numbers, withSpecials } from './draws.ts';

export const COMBINE_CASES: { readonly [name in KernelName]?: MakeCall } = {
  combineRows: (allocate, draw) => {
    const d = draw.below(3) === 0 ? 1 + draw.below(2) : count(draw, 9);
    const n = count(draw, 40);
    const terms = 1 + draw.below(8);
    const groups = 1 + draw.below(3);
    const source = draw.below(3) === 0 ? withSpecials(draw, draw.normal) : draw.normal;
    const sources = Array.from({ length: terms }, () => allocate.f64(numbers(n * d, source)));
    const others = Array.from({ length: 8 - terms }, () => sources[0]!);
    const out = draw.below(2) === 0 ? sources[draw.below(terms)]! : allocate.f64(new Float64Array(n * d));
    const factors = allocate.f64(numbers(groups * terms, draw.normal));
    const group = allocate.u32(Uint32Array.from({ length: n }, () => draw.below(groups)));
    return { args: [out, ...sources, ...others, terms, factors, group, draw.below(2), d], count: n };
  },
};
