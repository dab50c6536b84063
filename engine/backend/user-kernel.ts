import { checkCount, checkOptionNames, show } from '../check.ts';
import { OptionError } from '../errors.ts';
import type { Gpu, Shader } from './gpu-types.ts';
import { constantTable } from './kernel-constants.ts';
import { type GpuJsFunction, type GpuJsMode, openGpuJs } from './kernel-gpujs.ts';
import {
  type HostFunction,
  type HostKernel,
  hostEvaluate,
  hostEvaluateText,
  hostModule,
} from './kernel-host.ts';
import { type LoweredKernel, type LoweringOptions, lowerKernel } from './kernel-lower.ts';
import { type KernelSource, parseKernel } from './kernel-source.ts';
import type { BoundKernel, GpuKernel, KernelCode, KernelConstants } from './kernel-types.ts';
import { kernelWgsl } from './kernel-wgsl.ts';

export interface GpuKernelOptions<C extends KernelConstants = KernelConstants> {
  /** Numbers in a point. */
  readonly dims: number;
  /** `this.constants` of the function: numbers, and arrays of numbers with up to three levels. Copied. Default {}. */
  readonly constants?: C;
  /** Numbers returned. Needed for a function (x, j); otherwise counted. */
  readonly outputs?: number;
  /** Functions of numbers that the function calls by their names. Default none. */
  readonly functions?: readonly KernelHelper[];
  /** How messages call the kernel. Default: the function's name, or 'kernel'. */
  readonly name?: string;
}

/** A function of numbers, or its text. */
export type KernelHelper = ((...values: number[]) => number | boolean) | string;

/** A function of one point; `j` is the number of the output when it is called for each by itself. */
export type KernelFunction<C extends KernelConstants = KernelConstants> = (
  this: { readonly constants: C },
  x: Float64Array,
  j: number,
) => number | readonly number[];

/** What a kernel keeps to be compiled. */
interface KernelPlan {
  readonly lowered: LoweredKernel;
  readonly options: LoweringOptions;
}

/**
 * A function of one point that runs on the graphics card in float32, and on the host in float64: a model, a log density.
 * Give it wherever a model goes.
 *
 * @param f the function, written in the part of JavaScript that cards can do: numbers, local variables, if, loops whose
 * number of rounds is known, Math, `this.constants`, functions of option `functions`. It sees nothing else from outside.
 * @throws OptionError naming line and column of what the card cannot do, and what to write instead.
 */
export function gpuKernel<C extends KernelConstants = Readonly<Record<never, never>>>(
  f: KernelFunction<C> | string,
  options: GpuKernelOptions<C>,
): GpuKernel {
  checkOptionNames('gpuKernel', options, ['dims', 'constants', 'outputs', 'functions', 'name']);
  const { dims, constants = {}, outputs, functions = [] } = options;
  const name = nameOf(f, options.name);
  const where = `gpuKernel ${name}`;
  checkCount(where, 'dims', dims, { min: 1, max: 4096 });
  if (outputs !== undefined) checkCount(where, 'outputs', outputs, { min: 1, max: 1024 });
  const table = constantTable(where, constants);
  const source = parseKernel(where, f);
  const helpers = helperSources(where, functions);
  const plain: LoweringOptions = {
    source,
    functions: helpers,
    constants: table,
    dims,
    outputs,
    target: 'card',
  };
  const lowered = lowerKernel(plain);
  const byOutput = lowered.byOutput ? lowered.outputs : undefined;
  const host: HostKernel = { source, functions: helpers, constants: table.host, byOutput };
  // The types of `this` and of the answer were checked with the function.
  const evaluate = typeof f === 'function' ? hostEvaluate(f as HostFunction, host) : hostEvaluateText(host);
  const plan: KernelPlan = { lowered, options: plain };
  let moduleUrl: string | undefined;
  return {
    kind: 'gpu-kernel',
    name,
    dims,
    outputs: lowered.outputs,
    evaluate,
    get moduleUrl() {
      moduleUrl ??= hostModule(host);
      return moduleUrl;
    },
    plan,
  };
}

function nameOf(f: unknown, given: unknown): string {
  if (given === undefined) return typeof f === 'function' && f.name !== '' ? f.name : 'kernel';
  if (typeof given === 'string' && given !== '') return given;
  throw new OptionError({
    where: 'gpuKernel',
    option: 'name',
    value: given,
    found: `option \`name\` is ${show(given)}`,
    expected: 'a text',
  });
}

function helperSources(where: string, functions: readonly unknown[]): Map<string, KernelSource> {
  const found = new Map<string, KernelSource>();
  for (const given of functions) {
    const source = parseKernel(where, given);
    const name = source.tree.id?.name ?? (typeof given === 'function' ? given.name : '');
    if (name === '' || found.has(name)) {
      throw new OptionError({
        where,
        option: 'functions',
        value: given,
        found:
          name === ''
            ? 'a function of option `functions` has no name'
            : `two functions are called \`${name}\``,
        expected: 'functions with a name each',
      });
    }
    found.set(name, { ...source, where: `${where}, function ${name}` });
  }
  return found;
}

const codes = new WeakMap<
  GpuKernel,
  Promise<{ readonly code: KernelCode; readonly shader: Shader<'x' | 'constants' | 'y', never> }>
>();

/** A kernel as WGSL. */
export async function kernelCode(kernel: GpuKernel): Promise<KernelCode> {
  return (await compiled(kernel)).code;
}

function compiled(
  kernel: GpuKernel,
): Promise<{ readonly code: KernelCode; readonly shader: Shader<'x' | 'constants' | 'y', never> }> {
  const known = codes.get(kernel) ?? compile(kernel);
  codes.set(kernel, known);
  return known;
}

async function compile(
  kernel: GpuKernel,
): Promise<{ readonly code: KernelCode; readonly shader: Shader<'x' | 'constants' | 'y', never> }> {
  const { WebGPUKernel } = await import('./generated/translator.mjs');
  const { lowered, options } = kernel.plan as KernelPlan;
  const code = kernelWgsl(WebGPUKernel, lowered, options.constants);
  const { dims, outputs } = kernel;
  return {
    code,
    shader: {
      name: `kernel ${kernel.name}`,
      buffers: { x: 'read f32', constants: 'read f32', y: 'write f32' },
      params: {},
      per: 'item',
      code: `${code.code}
fn item(i: u32) {
  kernel(i * ${dims}u);
  for (var j = 0u; j < ${outputs}u; j++) { y[i * ${outputs}u + j] = bitcast<f32>(result_bits(j)); }
}`,
    },
  };
}

/** Bind a kernel to a card. */
export async function bindKernel(gpu: Gpu, kernel: GpuKernel): Promise<BoundKernel> {
  const { code, shader } = await compiled(kernel);
  const arena = gpu.arena();
  const constants = arena.f32(code.constants.length);
  gpu.write(constants, code.constants);
  return {
    run: (x, y, n) => gpu.run(shader, { x, constants, y }, {}, n),
    release: () => arena.release(),
  };
}

/**
 * A kernel run by gpu.js itself on the processor, in float32: to compare with, not to compute with.
 * @throws BackendError when gpu.js did not take the backend that was asked for, or cannot check the kernel's indices.
 */
export async function gpuJsFunction(kernel: GpuKernel, mode: GpuJsMode): Promise<GpuJsFunction> {
  const { GPU } = await import('./generated/gpu-js.mjs');
  const { options } = kernel.plan as KernelPlan;
  const lowered = lowerKernel({ ...options, target: 'gpu.js' });
  return openGpuJs(GPU, mode, kernel.name, { lowered, packed: options.constants.packed, dims: kernel.dims });
}
