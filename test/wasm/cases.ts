import type { Stream } from '../../engine/random/rng.ts';
import type { KernelName } from '../../engine/wasm/kernels.ts';
import { AFFINE_CASES } from './affine-cases.ts';
import { COMBINE_CASES } from './combine-cases.ts';
import { CORRECTOR_CASES } from './corrector-cases.ts';
import {
  type Allocator,
  address,
  count,
  type MakeCall,
  numbers,
  quanta,
  withSpecials,
  word,
} from './draws.ts';
import { LOGISTIC_CASES } from './logistic-cases.ts';
import { MIXTURE_CASES } from './mixture-cases.ts';
import { RESAMPLING_CASES } from './resampling-cases.ts';
import { SENSITIVITY_CASES } from './sensitivity-cases.ts';

const rowsOfDraws: MakeCall = (allocate, draw) => {
  const n = count(draw, 21);
  const d = count(draw, 21);
  const out = allocate.f64(new Float64Array(n * d));
  return { args: [out, d, ...address(draw), word(draw)], count: n };
};

/** An elementwise map of `values` into another array, or in place. */
function map(make: (draw: Stream) => () => number): MakeCall {
  return (allocate, draw) => {
    const n = count(draw);
    const x = allocate.f64(numbers(n, make(draw)));
    return { args: [x, draw.below(2) === 0 ? x : allocate.f64(new Float64Array(n))], count: n };
  };
}

/** A kernel over blocks of 1024 of n elements; `partial` makes an array with `width` numbers a block. */
function blocks(
  make: (
    allocate: Allocator,
    draw: Stream,
    n: number,
    partial: (fill?: () => number, width?: number) => Float64Array,
  ) => readonly unknown[],
): MakeCall {
  return (allocate, draw) => {
    const n = count(draw, 3500);
    const total = Math.ceil(n / 1024);
    const partial = (fill = () => 0, width = 1): Float64Array => allocate.f64(numbers(total * width, fill));
    return { args: make(allocate, draw, n, partial), count: total };
  };
}

/** Rows of which some have weight 0 and hold what they like. */
function deadRows(draw: Stream, n: number, d: number): { x: number[]; weight: number[] } {
  const weight = numbers(n, () => Math.max(0, draw.normal()));
  return {
    x: numbers(n * d, draw.normal).map((x, k) => (weight[Math.floor(k / d)] === 0 ? Number.NaN : x)),
    weight,
  };
}

function sobol(make: (allocate: Allocator, n: number) => unknown): MakeCall {
  return (allocate, draw) => {
    const n = count(draw, 1100);
    const d = count(draw, 5);
    const first = draw.below(3) === 0 ? 4294967296 - n : draw.below(2 ** 20);
    const directions = allocate.u32(numbers(32 * d, () => word(draw)));
    const scramble = allocate.u32(numbers(4 * d, () => word(draw)));
    return { args: [directions, scramble, draw.below(3), d, make(allocate, n * d), first], count: n };
  };
}

export const CASES: { readonly [name in KernelName]?: MakeCall } = {
  philoxWords: (allocate, draw) => {
    const n = count(draw, 21);
    return {
      args: [allocate.u32(new Uint32Array(4 * n)), ...address(draw), word(draw), word(draw)],
      count: n,
    };
  },
  uniform: rowsOfDraws,
  normal: rowsOfDraws,
  normalQuantiles: map((draw) =>
    withSpecials(draw, () => (draw.below(3) === 0 ? 2 ** (-1074 * draw.uniform()) : draw.uniform())),
  ),
  expInto: map((draw) => withSpecials(draw, () => 2000 * (draw.uniform() - 0.5))),
  logInto: map((draw) => withSpecials(draw, () => draw.normal() * 2 ** (2100 * (draw.uniform() - 0.5)))),
  sumBlocks: (allocate, draw) => {
    const n = count(draw, 5000);
    const blocks = Math.ceil(n / 1024);
    const x = allocate.f64(numbers(n, () => draw.normal() * 10 ** draw.below(8)));
    return { args: [x, n, allocate.f64(new Float64Array(blocks))], count: blocks };
  },
  sobolWords: sobol((allocate, n) => allocate.u32(new Uint32Array(n))),
  sobolPoints: sobol((allocate, n) => allocate.f64(new Float64Array(n))),
  reweighBlocks: blocks((allocate, draw, n, partial) => {
    const special = [Infinity, Number.NaN, -Infinity, -0];
    const increment = numbers(n, () => (draw.below(40) > 0 ? draw.normal() : special[draw.below(4)]!));
    const logWeight = numbers(n, () => (draw.below(4) === 0 ? -Infinity : draw.normal()));
    return [allocate.f64(increment), allocate.f64(logWeight), n, draw.below(2), partial()];
  }),
  riseBlocks: blocks((allocate, draw, n, partial) => {
    const steps = draw.below(2) === 0 ? [0, 1, 2 ** 20] : [0, 0, 0, 0, 1, -1];
    let at = 2 ** 31;
    const x = numbers(
      n,
      () => (at += draw.below(50) === 0 ? steps[draw.below(steps.length)]! : steps[draw.below(2)]!),
    );
    return [allocate.u32(x), n, partial()];
  }),
  maxBlocks: blocks((allocate, draw, n, partial) => [
    allocate.f64(numbers(n, withSpecials(draw, draw.normal))),
    n,
    partial(),
  ]),
  expShiftBlocks: blocks((allocate, draw, n, partial) => {
    const shift = draw.below(4) === 0 ? -720 : 3;
    const l = allocate.f64(
      numbers(
        n,
        withSpecials(draw, () => 3 - 40 * draw.uniform()),
      ),
    );
    return [l, n, shift, draw.below(2) === 0 ? l : allocate.f64(new Float64Array(n)), partial(), partial()];
  }),
  squareBlocks: blocks((allocate, draw, n, partial) => [allocate.f64(numbers(n, draw.normal)), n, partial()]),
  quantiseBlocks: blocks((allocate, draw, n, partial) => {
    const w = allocate.f64(numbers(n, () => Math.max(0, draw.normal())));
    const total = w.reduce((a, b) => a + b, 0) || 1;
    return [w, n, total, draw.below(2) === 0 ? w : allocate.f64(new Float64Array(n)), partial()];
  }),
  scanBlocks: blocks((allocate, draw, n, partial) => {
    const q = allocate.f64(quanta(draw, n));
    const offset = partial(() => draw.below(2 ** 40));
    return [q, n, offset, draw.below(2) === 0 ? q : allocate.f64(new Float64Array(n))];
  }),
  weightedSumBlocks: blocks((allocate, draw, n, partial) => {
    const d = count(draw, 5);
    const rows = deadRows(draw, n, d);
    return [allocate.f64(rows.x), d, n, allocate.f64(rows.weight), partial(() => 0, d)];
  }),
  weightedCrossBlocks: blocks((allocate, draw, n, partial) => {
    const d = count(draw, 5);
    const rows = deadRows(draw, n, d);
    const mean = allocate.f64(numbers(d, draw.normal));
    return [allocate.f64(rows.x), d, n, allocate.f64(rows.weight), mean, partial(() => 0, (d * (d + 1)) / 2)];
  }),
  ...AFFINE_CASES,
  ...COMBINE_CASES,
  ...CORRECTOR_CASES,
  ...LOGISTIC_CASES,
  ...MIXTURE_CASES,
  ...RESAMPLING_CASES,
  ...SENSITIVITY_CASES,
};
