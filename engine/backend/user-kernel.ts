import { checkCount, checkOptionNames, show } from '../check.ts';
import { BackendError, OptionError } from '../errors.ts';
import type { Gpu, Shader } from './gpu/types.ts';
import { constantTable } from './kernel/constants.ts';
import { openGpuJs } from './kernel/gpujs.ts';
import {
  type HostFunction,
  type HostKernel,
  hostEvaluate,
  hostEvaluateText,
  hostModule,
} from './kernel/host.ts';
import { type LoweredKernel, type LoweringOptions, lowerKernel } from './kernel/lower.ts';
import { type KernelSource, parseKernel } from './kernel/source.ts';
import type {
  BoundKernel,
  GpuJsFunction,
  GpuJsMode,
  GpuKernel,
  KernelCode,
  KernelConstants,
} from './kernel/types.ts';
import { kernelWgsl } from './kernel/wgsl.ts';

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
 * A function of one point that runs on the graphics card in float32, and on the host in float64: a model, a log density,
 * a score. Give it wherever a model goes.
 *
 * The function is written in what cards can do: numbers, local variables, arrays of up to four numbers, if, ?:, loops whose
 * number of rounds is known from numbers and constants, Math, `this.constants` and functions of option `functions`. It
 * sees nothing else from outside. It may be an expression, a declaration, an arrow function (without `this`), a method,
 * or text; it returns one number, up to four as `[a, b]`, or for more outputs it is a function (x, j) of output j.
 *
 * On the card all numbers are float32: results within 1e-5 of the host's, integers exact up to 2^24 = 16777216. Larger ones
 * that float32 rounds are refused where they are written, unless they are multiplied or divided, and as constants in %,
 * === and !==; inside Math.fround they may stand anywhere. What is computed beyond 2^24, as by a variable that counts on, is
 * rounded without a word.
 *
 * A point fails, and its outputs are NaN, where a step has no finite answer: a division by 0, log of 0, an index outside, a
 * result above 3.4e38, sin beyond 1e5. Only `Infinity` itself may be returned, kept in variables, compared, and go through
 * Math.max and Math.min: on the card it is the largest float32 until it is returned, and any other use of it makes the
 * point fail.
 *
 * @example
 * const density = gpuKernel(
 *   function (x) {
 *     let s = 0;
 *     for (let j = 0; j < this.constants.d; j++) s += x[j] * x[j];
 *     return -0.5 * s;
 *   },
 *   { dims: 3, constants: { d: 3 } },
 * );
 *
 * @throws OptionError naming line and column of what the card cannot do, and what to write instead.
 */
export function gpuKernel<C extends KernelConstants = Readonly<Record<never, never>>>(
  f: KernelFunction<C> | string,
  options: GpuKernelOptions<C>,
): GpuKernel {
  try {
    return makeKernel(f, options);
  } catch (error) {
    // The stack begins where the kernel is written, so that a model file can be told with its line.
    if (error instanceof Error) Error.captureStackTrace?.(error, gpuKernel);
    throw error;
  }
}

function makeKernel<C extends KernelConstants>(
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
  if (!Array.isArray(functions)) {
    throw new OptionError({
      where,
      option: 'functions',
      value: functions,
      found: `option \`functions\` is ${show(functions)}`,
      expected: 'an array of functions: [f, g]',
    });
  }
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

/** A kernel made ready for cards. */
interface CompiledKernel {
  readonly code: KernelCode;
  readonly shader: Shader<'x' | 'constants' | 'y', never>;
}

const compiledKernels = new WeakMap<GpuKernel, Promise<CompiledKernel>>();

/**
 * A kernel as WGSL, to be put into a larger shader.
 * @throws BackendError when gpu.js, which translates it, cannot be loaded or fails.
 */
export async function kernelCode(kernel: GpuKernel): Promise<KernelCode> {
  return (await compiled(kernel)).code;
}

/** Each kernel is compiled once; one that failed is tried again, because a network may have been away. */
function compiled(kernel: GpuKernel): Promise<CompiledKernel> {
  const known = compiledKernels.get(kernel);
  if (known !== undefined) return known;
  const started = compile(kernel);
  compiledKernels.set(kernel, started);
  started.catch(() => compiledKernels.delete(kernel));
  return started;
}

async function compile(kernel: GpuKernel): Promise<CompiledKernel> {
  const code = await translate(kernel);
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

async function translate(kernel: GpuKernel): Promise<KernelCode> {
  const { lowered, options } = kernel.plan as KernelPlan;
  try {
    const { WebGPUKernel } = await import('./generated/translator.mjs');
    return kernelWgsl(WebGPUKernel, lowered, options.constants);
  } catch (cause) {
    throw new BackendError({
      where: `gpuKernel ${kernel.name}`,
      found: `gpu.js could not translate the function (${cause instanceof Error ? cause.message : cause})`,
      expected: 'a translation',
      fix: 'The host still runs it.',
      tried: [],
      cause,
    });
  }
}

/**
 * Bind a kernel to a card: its constants go there.
 * @throws BackendError as `kernelCode`, or when the card is gone or has no room for the constants.
 */
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
