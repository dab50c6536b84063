import type { GpuKernel } from '../../engine/backend/kernel/types.ts';
import { gpuKernel } from '../../engine/backend/user-kernel.ts';
import reference from '../reference/sobol-functions.json' with { type: 'json' };
import {
  beam,
  flood,
  gFunction,
  ishigami,
  ishigamiFlat,
  linear,
  mixed,
  oakleyOHagan,
  type TestFunction,
  wingWeight,
} from './functions.ts';

/** A test function with the same function as a kernel for the card. */
export interface KernelFunctionCase {
  readonly known: TestFunction;
  readonly kernel: GpuKernel;
}

function parametersOf<T>(id: string): T {
  return (reference.functions as readonly { readonly id: string; readonly params?: unknown }[]).find(
    (f) => f.id === id,
  )!.params as T;
}

export function ishigamiKernel(b = 0.1): GpuKernel {
  return gpuKernel(
    function ishigami(x) {
      const s = Math.sin(x[0]!);
      return s + 7 * Math.sin(x[1]!) ** 2 + this.constants.b * x[2]! ** 4 * s;
    },
    { dims: 3, constants: { b } },
  );
}

/** prod (|4 x_i - 2| + a_i) / (1 + a_i). */
export function gKernel(id: 'sobol_g_8' | 'sobol_g_6' | 'sobol_g_20'): GpuKernel {
  const { a } = parametersOf<{ readonly a: readonly number[] }>(id);
  return gpuKernel(
    function g(x) {
      let product = 1;
      for (let i = 0; i < this.constants.d; i++) {
        product *= (Math.abs(4 * x[i]! - 2) + this.constants.a[i]!) / (1 + this.constants.a[i]!);
      }
      return product;
    },
    { dims: a.length, constants: { a, d: a.length } },
  );
}

function linearKernel(): GpuKernel {
  return gpuKernel((x) => 5 * x[0]! + 4 * x[1]! + 3 * x[2]! + 2 * x[3]! + x[4]!, { dims: 5, name: 'linear' });
}

function wingKernel(): GpuKernel {
  return gpuKernel(
    function wing(x) {
      const c = Math.cos((x[3]! * Math.PI) / 180);
      const wing = 0.036 * x[0]! ** 0.758 * x[1]! ** 0.0035 * (x[2]! / (c * c)) ** 0.6;
      const flight = x[4]! ** 0.006 * x[5]! ** 0.04 * ((100 * x[6]!) / c) ** -0.3 * (x[7]! * x[8]!) ** 0.49;
      return wing * flight + x[0]! * x[9]!;
    },
    { dims: 10 },
  );
}

function oakleyKernel(): GpuKernel {
  const { a1, a2, a3, M } = parametersOf<{
    readonly a1: readonly number[];
    readonly a2: readonly number[];
    readonly a3: readonly number[];
    readonly M: readonly (readonly number[])[];
  }>('oakley_ohagan');
  return gpuKernel(
    function oakley(x) {
      let y = 0;
      for (let i = 0; i < 15; i++) {
        let row = this.constants.a1[i]!;
        for (let j = 0; j < 15; j++) row += this.constants.M[i]![j]! * x[j]!;
        y += x[i]! * row + this.constants.a2[i]! * Math.sin(x[i]!) + this.constants.a3[i]! * Math.cos(x[i]!);
      }
      return y;
    },
    { dims: 15, constants: { a1, a2, a3, M } },
  );
}

/** Height of the water above the crest of a dyke. */
export function floodKernel(): GpuKernel {
  return gpuKernel(
    function flood(x) {
      const slope = Math.sqrt((x[3]! - x[2]!) / x[6]!);
      return x[2]! + (x[0]! / (x[7]! * x[1]! * slope)) ** 0.6 - x[4]! - x[5]!;
    },
    { dims: 8 },
  );
}

function beamKernel(): GpuKernel {
  return gpuKernel(
    function beam(x) {
      const load = Math.sqrt((x[0]! / x[3]! ** 2) ** 2 + (x[1]! / x[4]! ** 2) ** 2);
      return ((4 * x[5]! ** 3) / (1e9 * x[2]! * x[3]! * x[4]!)) * load;
    },
    { dims: 6 },
  );
}

function mixedKernel(): GpuKernel {
  return gpuKernel((x) => x[0]! * x[1]! + x[2]! + 0.5 * x[3]!, { dims: 4, name: 'mixed' });
}

/** All reference functions as kernels. */
export function kernelCases(): readonly KernelFunctionCase[] {
  return [
    { known: ishigami(), kernel: ishigamiKernel() },
    { known: ishigamiFlat(), kernel: ishigamiKernel(0.05) },
    { known: gFunction('sobol_g_6'), kernel: gKernel('sobol_g_6') },
    { known: gFunction('sobol_g_8'), kernel: gKernel('sobol_g_8') },
    { known: gFunction('sobol_g_20'), kernel: gKernel('sobol_g_20') },
    { known: linear(), kernel: linearKernel() },
    { known: wingWeight(), kernel: wingKernel() },
    { known: oakleyOHagan(), kernel: oakleyKernel() },
    { known: flood(), kernel: floodKernel() },
    { known: beam(), kernel: beamKernel() },
    { known: mixed(), kernel: mixedKernel() },
  ];
}
