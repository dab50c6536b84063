import type { Stream } from '../../engine/random/rng.ts';
import type { KernelName } from '../../engine/wasm/kernels.ts';
import { type Allocator, count, type MakeCall, numbers, quanta, runningSums, word } from './draws.ts';

interface Weights {
  readonly n: number;
  readonly q: Float64Array;
  readonly cumulative: Float64Array;
  readonly total: number;
}

function weights(allocate: Allocator, draw: Stream): Weights {
  const n = count(draw, draw.below(3) === 0 ? 1500 : 20);
  const q = allocate.f64(quanta(draw, n));
  const cumulative = allocate.f64(runningSums(q));
  return { n, q, cumulative, total: cumulative[n - 1]! };
}

const uniforms = (draw: Stream, n: number): number[] => numbers(n, draw.uniform);
const slots = (allocate: Allocator, m: number): Uint32Array => allocate.u32(new Uint32Array(m));

const atEdge = (draw: Stream): number => [draw.uniform(), 2 ** -53, 1 - 2 ** -53][draw.below(3)]!;

/** Step, channel and key of a draw per slot. */
const keys = (draw: Stream): number[] => [word(draw), word(draw), word(draw), draw.below(2 ** 30)];

function gather(make: (allocate: Allocator, values: ArrayLike<number>) => unknown): MakeCall {
  return (allocate, draw) => {
    const n = count(draw);
    const m = count(draw);
    const d = count(draw, 9);
    const src = make(
      allocate,
      numbers(n * d, () => word(draw)),
    );
    const dst = make(allocate, new Float64Array(m * d));
    return { args: [src, dst, allocate.u32(numbers(m, () => draw.below(n))), d], count: m };
  };
}

export const RESAMPLING_CASES: { readonly [name in KernelName]?: MakeCall } = {
  systematicAncestors: (allocate, draw) => {
    const { n, cumulative, total } = weights(allocate, draw);
    const m = draw.below(2) === 0 ? n : count(draw, 2000);
    return { args: [cumulative, total, m, atEdge(draw), slots(allocate, m)], count: n };
  },
  stratifiedAncestors: (allocate, draw) => {
    const { n, cumulative, total } = weights(allocate, draw);
    const m = draw.below(2) === 0 ? n : count(draw, 2000);
    const u = allocate.f64(numbers(m, () => atEdge(draw)));
    return { args: [cumulative, total, m, u, slots(allocate, m)], count: n };
  },
  repeatAncestors: (allocate, draw) => {
    const n = count(draw);
    const counts = Float64Array.from({ length: n }, () => Math.max(0, draw.below(5) - 2));
    const bound = runningSums(counts);
    return { args: [allocate.u32(bound), slots(allocate, bound[n - 1]!)], count: n };
  },
  countUp: (allocate, draw) => {
    const n = count(draw);
    return { args: [slots(allocate, n), draw.below(2 ** 31)], count: n };
  },
  exponentials: (allocate, draw) => {
    const n = count(draw);
    return {
      args: [allocate.f64(numbers(n, () => atEdge(draw))), allocate.f64(new Float64Array(n))],
      count: n,
    };
  },
  mergeAncestors: (allocate, draw) => {
    const { n, cumulative, total } = weights(allocate, draw);
    const m = count(draw, 500);
    const sum = allocate.f64(runningSums(Float64Array.from(uniforms(draw, m))));
    const scale = sum[m - 1]! * (draw.below(3) === 0 ? 1 : 1.01);
    return { args: [cumulative, total, n, sum, scale, slots(allocate, m)], count: m };
  },
  searchAncestors: (allocate, draw) => {
    const { n, cumulative, total } = weights(allocate, draw);
    const m = count(draw, 500);
    return {
      args: [cumulative, total, n, allocate.f64(uniforms(draw, m)), slots(allocate, m)],
      count: m,
    };
  },
  wholeCopies: (allocate, draw) => {
    const { n, q, total } = weights(allocate, draw);
    return {
      args: [q, total, count(draw, 5000), slots(allocate, n), allocate.f64(new Float64Array(n))],
      count: n,
    };
  },
  killingAncestors: (allocate, draw) => {
    const { n, q, cumulative, total } = weights(allocate, draw);
    const largest = Math.max(...q);
    return { args: [q, cumulative, total, n, largest, ...keys(draw), slots(allocate, n)], count: n };
  },
  rejectionAncestors: (allocate, draw) => {
    const { n, q, cumulative, total } = weights(allocate, draw);
    const m = count(draw, 300);
    const choice = [Math.max(...q), draw.below(2), draw.below(40)];
    return { args: [q, cumulative, total, n, ...choice, ...keys(draw), slots(allocate, m)], count: m };
  },
  metropolisAncestors: (allocate, draw) => {
    const { n, q, cumulative, total } = weights(allocate, draw);
    const m = count(draw, 300);
    const choice = [draw.below(2), draw.below(10)];
    return { args: [q, cumulative, total, n, ...choice, ...keys(draw), slots(allocate, m)], count: m };
  },
  gatherRows: gather((allocate, values) => allocate.f64(values)),
  gatherWords: gather((allocate, values) => allocate.u32(values)),
  sspRound: (allocate, draw) => {
    const n = count(draw);
    const rest = allocate.f64(numbers(n, () => draw.below(9) / 8));
    if (draw.below(2) === 0) rest.set(uniforms(draw, n));
    const missing = Math.round(rest.reduce((a, b) => a + b, 0));
    return { args: [rest, allocate.f64(uniforms(draw, n)), n, missing, slots(allocate, n)], count: 1 };
  },
};
