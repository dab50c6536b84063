import type { GpuKernel, KernelCode } from '../kernel/types.ts';
import { elementary } from './elementary.ts';

/** A function of one point written in WGSL by the library itself: what a `gpuKernel` is, without a function to translate. */
export interface CardProgram {
  readonly kind: 'card-program';
  /** How messages call it. */
  readonly name: string;
  /** Numbers in a point. */
  readonly dims: number;
  /** Numbers it returns. */
  readonly outputs: number;
  readonly code: KernelCode;
}

/** What a card evaluates at a point that is put together there. */
export type PointFunction = GpuKernel | CardProgram;

/**
 * r_c = coefficients[0][c] + sum_j coefficients[1 + j][c] x_j.
 * @param coefficients [1 + dims, outputs] row-major.
 */
export function affineProgram(coefficients: Float64Array, outputs: number): CardProgram {
  return {
    ...{ kind: 'card-program', name: 'affine', outputs, dims: coefficients.length / outputs - 1 },
    code: {
      constants: Float32Array.from(coefficients),
      code: `${results(outputs)}
fn kernel(at: u32) {
  for (var c = 0u; c < ${outputs}u; c++) {
    var sum = constants[c];
    for (var j = 0u; j < ${coefficients.length / outputs - 1}u; j++) { sum += constants[(1u + j) * ${outputs}u + c] * x[at + j]; }
    result[c] = sum;
  }
}`,
    },
  };
}

/**
 * -|e + G x|^2 / 2 of a point (x [d], e [k]): the log density, less its largest value, of a normal law whose mean is affine
 * in x; e is what was observed, whitened.
 * @param slope G, a column in each row, [d, k].
 */
export function affineDensityProgram(slope: Float64Array, k: number): CardProgram {
  const d = slope.length / k;
  return {
    ...{ kind: 'card-program', name: 'affineDensity', outputs: 1, dims: d + k },
    code: {
      constants: Float32Array.from(slope),
      code: `${results(1)}
fn kernel(at: u32) {
  var square = 0.0;
  for (var c = 0u; c < ${k}u; c++) {
    var r = x[at + ${d}u + c];
    for (var j = 0u; j < ${d}u; j++) { r += constants[j * ${k}u + c] * x[at + j]; }
    square += r * r;
  }
  result[0] = -0.5 * square;
}`,
    },
  };
}

/**
 * -(x + y^2 e^-x) / 2 of a point (x, 2 log |y|): the log density at y, less that of its constant, of the normal law with mean
 * 0 and variance e^x.
 */
export const volatilityProgram: CardProgram = {
  kind: 'card-program',
  name: 'volatility',
  dims: 2,
  outputs: 1,
  code: {
    constants: Float32Array.of(0),
    // Beyond e^88 there is no float32; the density is 0 long before.
    code: `${elementary('e_exp')}${results(1)}
fn kernel(at: u32) { result[0] = -0.5 * (x[at] + e_exp(min(x[at + 1u] - x[at], 88.0))); }`,
  },
};

/** What `KernelCode` promises besides the kernel: nothing fails here, and no infinity is returned. */
function results(outputs: number): string {
  return `
var<private> failed: bool;
var<private> result: array<f32, ${outputs}>;
fn result_bits(j: u32) -> u32 { return bitcast<u32>(result[j]); }`;
}
