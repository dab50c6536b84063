import { TERM, TERM_WORDS } from '../../engine/math/sobol-terms.ts';
import type { Stream } from '../../engine/random/rng.ts';
import type { KernelName } from '../../engine/wasm/kernels.ts';
import { type Allocator, count, type MakeCall, numbers, word } from './draws.ts';

interface Design {
  readonly n: number;
  readonly terms: number;
  /** y, base, stride, n, program, terms, centre: how both kernels begin. */
  readonly args: readonly unknown[];
}

function design(allocate: Allocator, draw: Stream, most: number): Design {
  const n = count(draw, most);
  const columns = count(draw, 5);
  const terms = count(draw, 13);
  const base = draw.below(10);
  const stride = n + draw.below(3);
  const y = allocate.f64(numbers(base + columns * stride, draw.normal));
  const operations = Object.values(TERM);
  const program = numbers(terms * TERM_WORDS, () => draw.below(columns));
  for (let t = 0; t < terms; t++) program[t * TERM_WORDS] = operations[draw.below(operations.length)]!;
  return { n, terms, args: [y, base, stride, n, allocate.u32(program), terms, draw.normal()] };
}

export const SENSITIVITY_CASES: { readonly [name in KernelName]?: MakeCall } = {
  indexSums: (allocate, draw) => {
    const { n, terms, args } = design(allocate, draw, 3000);
    const blocks = Math.ceil(n / 1024);
    return { args: [...args, allocate.f64(new Float64Array(blocks * terms))], count: blocks };
  },
  resampleCounts: (allocate, draw) => {
    const n = count(draw, 300);
    const resamples = count(draw, 20);
    const counts = allocate.u8(numbers(n * resamples, () => draw.below(256)));
    return { args: [counts, n, word(draw), word(draw), draw.below(1000), word(draw)], count: resamples };
  },
  pickFreeze: (allocate, draw) => {
    const n = count(draw, 12);
    const d = count(draw, 9);
    const kinds = count(draw, 6);
    const size = n * d + draw.below(3);
    const program = Array.from({ length: kinds }, () => {
      const taken = numbers(draw.below(d + 1), () => draw.below(d));
      return [draw.below(3), draw.below(3), taken.length, ...taken];
    }).flat();
    const matrices = allocate.f64(numbers(3 * size, draw.normal));
    const rows = allocate.f64(new Float64Array(n * kinds * d));
    return { args: [matrices, size, allocate.u32(program), kinds, d, rows], count: n };
  },
  bootstrapSums: (allocate, draw) => {
    const { n, terms, args } = design(allocate, draw, 2500);
    const resamples = 8 * count(draw, 3);
    const counts = allocate.u8(numbers(n * resamples, () => draw.below(7)));
    const from = 1024 * draw.below(Math.ceil(n / 1024));
    const blocks = Math.ceil((n - from) / 1024);
    const tasks = count(draw, 4);
    const scratch = allocate.scratch(tasks * (resamples + 2) * 1024);
    const partial = allocate.f64(new Float64Array(blocks * terms * resamples));
    return { args: [...args, counts, resamples, from, blocks, tasks, scratch, partial], count: tasks };
  },
};
