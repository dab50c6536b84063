import { BackendError } from '../../errors.ts';
import type { GPU, GpuJsKernel, HelperFunction, ValueType } from '../generated/gpu-js.mjs';
import { LIBRARY } from './library.ts';
import type { LoweredKernel } from './lower.ts';
import type { GpuJsFunction, GpuJsMode } from './types.ts';

/**
 * A kernel on a backend of gpu.js, built and tried once.
 * @throws BackendError when gpu.js took another backend, or the kernel needs checks that only our own code has.
 */
export async function openGpuJs(
  Gpu: typeof GPU,
  mode: GpuJsMode,
  name: string,
  { lowered, packed, dims }: { lowered: LoweredKernel; packed: Float32Array; dims: number },
): Promise<GpuJsFunction> {
  const where = `gpuJsFunction ${name}`;
  const missing = [...lowered.calls].find((call) => LIBRARY[call]!.js === undefined);
  if (missing !== undefined) {
    throw new BackendError({
      where,
      found: 'the kernel computes an index, or fails on purpose, which gpu.js cannot check',
      expected: 'indices made of numbers, constants and counters',
      tried: [],
    });
  }
  const gpu = new Gpu({ mode });
  const made = build(gpu, lowered, packed);
  const call = async (points: Float32Array, j: number): Promise<ArrayLike<number | ArrayLike<number>>> =>
    await made(...(lowered.byOutput ? [points, j] : [points]));
  const dispose = async (): Promise<void> => await gpu.destroy();
  try {
    await call(new Float32Array(dims), 0);
    const took = made.kernel.constructor.mode;
    if (took !== mode) throw degraded(where, mode, took, made.kernel.fallbackReason ?? 'no reason given');
  } catch (error) {
    await dispose();
    throw error;
  }
  const { outputs, byOutput } = lowered;
  return {
    async evaluate(x, y) {
      const n = x.length / dims;
      if (n === 0) return;
      made.setOutput([n]);
      const points = Float32Array.from(x);
      for (let j = 0; j < (byOutput ? outputs : 1); j++) {
        const found = await call(points, j);
        if (byOutput || outputs === 1) for (let i = 0; i < n; i++) y[i * outputs + j] = found[i] as number;
        else for (let i = 0; i < n; i++) y.set(found[i] as ArrayLike<number>, i * outputs);
      }
    },
    dispose,
  };
}

function build(gpu: GPU, lowered: LoweredKernel, packed: Float32Array): GpuJsKernel {
  const { body, helpers, pool, calls, outputs, byOutput } = lowered;
  const numbers = Object.fromEntries(pool);
  const types = [...pool.keys()].map((name): [string, ValueType] => [
    name,
    name[0] === 'f' ? 'Number' : 'Integer',
  ]);
  const library = [...calls].map((name): HelperFunction => {
    const { takes, returns, js } = LIBRARY[name]!;
    return {
      source: `function ${name}(${Object.keys(takes).join(', ')}) { ${js} }`,
      settings: { name, argumentTypes: { ...takes }, returnType: returns },
    };
  });
  return gpu.createKernel(`function (x${byOutput ? ', j' : ''}) {\n${body}\n}`, {
    output: [1],
    constants: { ...numbers, packed },
    constantTypes: { ...Object.fromEntries(types), packed: 'Array' },
    argumentTypes: byOutput ? ['Array', 'Integer'] : ['Array'],
    loopMaxIterations: 2 ** 30,
    dynamicOutput: true,
    dynamicArguments: true,
    returnType: byOutput || outputs === 1 ? 'Number' : (`Array(${outputs})` as ValueType),
    functions: [
      ...library,
      ...helpers.map(({ id, text, parameters }) => helperFunction(id, text, parameters)),
    ],
  });
}

/** A function of the kernel as gpu.js wants it: numbers in, a number out. */
export function helperFunction(id: string, text: string, parameters: readonly string[]): HelperFunction {
  const argumentTypes = Object.fromEntries(parameters.map((name) => [name, 'Number' as const]));
  return { source: text, settings: { name: id, argumentTypes, returnType: 'Number' } };
}

function degraded(where: string, asked: GpuJsMode, took: string, reason: string): BackendError {
  return new BackendError({
    where,
    found: `gpu.js ran on ${took} (${reason})`,
    expected: asked,
    tried: [`${asked}: ${reason}`],
  });
}
