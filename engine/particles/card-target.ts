import type { Gpu, GpuArena, GpuArray } from '../backend/gpu/types.ts';
import type { GpuKernel, KernelCode } from '../backend/kernel/types.ts';
import { kernelCode } from '../backend/user-kernel.ts';
import { mixtureKernel } from '../backend/wgsl/mixture.ts';
import type { MixtureParameters } from '../distribution/normal-mixture.ts';
import { OptionError } from '../errors.ts';

/**
 * What a card evaluates at a particle [d]: a mixture of normal laws, or a kernel. Of a kernel, by the number of its
 * outputs: 1, a log density; d, a score or a map; d + 1, a score and then the log density.
 */
export type CardFunction = MixtureParameters | GpuKernel;

/** What is asked of it. */
export type Part = 'density' | 'map' | 'score and density';

/** A function as WGSL with its constants on the card. */
export interface BoundFunction {
  readonly kernel: KernelCode;
  readonly constants: GpuArray<'f32'>;
  /** Which output is the log density, if any. */
  readonly output: number;
}

/** Functions on a card, each bound once for each part that is asked for. */
export interface CardFunctions {
  /** @throws OptionError when the function has no such part, or takes points of another dimension. */
  bind(where: string, of: CardFunction, part: Part): Promise<BoundFunction>;
}

export function cardFunctions(gpu: Gpu, arena: GpuArena, d: number): CardFunctions {
  const bound = new Map<Part, WeakMap<CardFunction, Promise<BoundFunction>>>();
  const make = async (of: CardFunction, part: Part): Promise<BoundFunction> => {
    const kernel = 'kind' in of ? await kernelCode(of) : mixtureKernel(of, part !== 'density');
    const constants = arena.f32(kernel.constants.length);
    gpu.write(constants, kernel.constants);
    const output = 'kind' in of ? of.outputs - 1 : part === 'density' ? 0 : d;
    return { kernel, constants, output };
  };
  return {
    async bind(where, of, part) {
      check(where, of, part, d);
      const known = bound.get(part) ?? new WeakMap<CardFunction, Promise<BoundFunction>>();
      bound.set(part, known);
      const found = known.get(of) ?? make(of, part);
      known.set(of, found);
      return found;
    },
  };
}

/** Outputs of a kernel that has the part, in points of d numbers. */
const OUTPUTS: Readonly<Record<Part, (d: number) => readonly number[]>> = {
  density: (d) => [1, d + 1],
  map: (d) => [d, d + 1],
  'score and density': (d) => [d + 1],
};

function check(where: string, of: CardFunction, part: Part, d: number): void {
  const dims = 'kind' in of ? of.dims : of.dimension;
  if (dims !== d)
    throw bad(where, of, `a function of ${dims} numbers`, `one of ${d}, as many as a particle has`);
  if (!('kind' in of)) return;
  const wanted = OUTPUTS[part](d);
  if (!wanted.includes(of.outputs))
    throw bad(where, of, `a kernel with ${of.outputs} outputs`, `${wanted.join(' or ')} outputs (${part})`);
}

function bad(where: string, value: CardFunction, found: string, expected: string): OptionError {
  return new OptionError({ where, option: 'of', value, found, expected });
}
