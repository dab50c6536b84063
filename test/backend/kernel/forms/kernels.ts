import { bindKernel, type GpuKernel, gpuKernel, openGpu } from 'ensample/engine';
import { gauss, square } from './functions.ts';

/** Kernels in all the forms in which people write functions; compilers and bundlers change their texts. */
export function kernels(): Record<string, () => GpuKernel> {
  function declared(this: { readonly constants: { readonly mu: number[][] } }, x: Float64Array): number {
    const { mu } = this.constants;
    let s = 0;
    for (let k = 0; k < mu.length; k++) {
      const row = mu[k]!;
      let sum = 0;
      for (let j = 0; j < row.length; j++) {
        if (x[j]! > 4) continue;
        sum += (x[j]! - row[j]!) ** 2;
      }
      s += k === 0 ? 0.25 * sum : 0.75 * sum;
    }
    if (s > 1000) return -Infinity;
    return -0.5 * s;
  }
  const object = {
    method(x: Float64Array): number {
      let n = 0;
      for (let i = 0; i < 20; i++) {
        if (!(Math.abs(x[0]!) > 2 ** i)) break;
        n += 1;
      }
      return n;
    },
  };
  const positive = (v: number): boolean => v > 0;
  const mu = [
    [1, 2],
    [-1, 0.5],
  ];
  return {
    'a function expression': () =>
      gpuKernel(
        function (x) {
          let s = 0;
          for (let j = 0; j < this.constants.d; j++) s += x[j]! * x[j]!;
          return -0.5 * s;
        },
        { dims: 2, constants: { d: 2 } },
      ),
    'a function declaration': () => gpuKernel(declared, { dims: 2, constants: { mu } }),
    'an arrow function': () => gpuKernel((x) => (x[0]! > 0 && x[1]! > 0 ? 2 : 3) + x[1]!, { dims: 2 }),
    'a method': () => gpuKernel(object.method, { dims: 2 }),
    'functions of another file': () =>
      gpuKernel((x) => gauss(x[0]!, 2) + square(x[1]!), { dims: 2, functions: [gauss, square] }),
    'two outputs on two paths': () =>
      gpuKernel(
        (x) => {
          if (x[0]! < 0) return [1, x[1]!];
          let a = 0;
          let b = 1;
          if (x[1]! > 1) {
            a += 2;
            b *= 3;
          } else a -= 1;
          return [a, b];
        },
        { dims: 2 },
      ),
    'each output by its number': () =>
      gpuKernel(
        function (x, j) {
          return x[j % 2]! * this.constants.c[j]!;
        },
        { dims: 2, outputs: 5, constants: { c: [1, 2, 3, 4, 5] } },
      ),
    // Tools that keep names part the name of an arrow function from the one it is called by.
    'an arrow function in functions': () =>
      gpuKernel((x) => (positive(x[0]!) ? 1 : 2), { dims: 2, functions: [positive] }),
    // What must be refused whatever a tool makes of it.
    'a function inside': () =>
      gpuKernel(
        (x) => {
          const twice = (v: number): number => 2 * v;
          return twice(x[0]!) + twice(x[1]!);
        },
        { dims: 2 },
      ),
    'a declared function inside': () =>
      gpuKernel(
        (x) => {
          function twice(v: number): number {
            return 2 * v;
          }
          return twice(x[0]!) + twice(x[1]!);
        },
        { dims: 2 },
      ),
    'a number from outside': () => gpuKernel((x) => x[0]! * outside(), { dims: 2 }),
  };
}

function outside(): number {
  return Number(process.env.NOTHING ?? 3);
}

export const POINTS: readonly (readonly number[])[] = [
  [1.5, -2],
  [-3, 0.25],
  [70, 5],
];

/** What came of a kernel: its answers on the host, from its module and on a card, or the message that refused it. */
export interface Answers {
  readonly host?: number[];
  readonly module?: number[];
  readonly card?: number[] | undefined;
  readonly refused?: string;
}

const list = (y: number | ArrayLike<number>): number[] => (typeof y === 'number' ? [y] : Array.from(y));

/** Answers of all kernels; on a card only where there is one. */
export async function answers(card: boolean): Promise<Record<string, Answers>> {
  const gpu = card ? await openGpu({ allowSoftware: true }) : undefined;
  const found: Record<string, Answers> = {};
  for (const [name, make] of Object.entries(kernels())) {
    try {
      const kernel = make();
      const module = (await import(/* @vite-ignore */ kernel.moduleUrl)).default;
      const points = POINTS.map((point) => Float64Array.from(point));
      found[name] = {
        host: points.flatMap((x) => list(kernel.evaluate(x))),
        module: points.flatMap((x) => list(module.evaluate(x))),
        card: undefined,
      };
      if (gpu === undefined) continue;
      const arena = gpu.arena();
      const x = arena.f32(2 * POINTS.length);
      const y = arena.f32(kernel.outputs * POINTS.length);
      gpu.write(x, Float32Array.from(POINTS.flat()));
      const bound = await bindKernel(gpu, kernel);
      bound.run(x, y, POINTS.length);
      found[name] = { ...found[name], card: Array.from(await gpu.read(y)) };
    } catch (error) {
      found[name] = { refused: (error as Error).message };
    }
  }
  gpu?.dispose();
  return found;
}
