import type { Gpu, GpuArena, GpuArray } from '../backend/gpu/types.ts';
import type { KernelCode } from '../backend/kernel/types.ts';
import { kernelCode } from '../backend/user-kernel.ts';
import { drawingShader, type PointParts, potentialShader } from '../backend/wgsl/dynamics.ts';
import type { PointFunction } from '../backend/wgsl/program.ts';
import { sameShader } from '../backend/wgsl/same-shader.ts';
import { OptionError } from '../errors.ts';
import { PURPOSE } from '../random/purpose.ts';
import { type CardMovesOptions, drawParams, type MoveAddress } from './card-moves.ts';

export interface DrawOptions extends MoveAddress {
  /** F, d outputs. Its point is x [d], z, and the step if it takes one number more; z alone with purpose 'init'. */
  readonly by: PointFunction;
  /** Standard normals z that it takes. */
  readonly normals: number;
  /** Default 'mutation'. */
  readonly purpose?: 'init' | 'mutation';
}

export interface PotentialOptions {
  /** A function of one output. Its point is x [d], the inputs, and the step if it takes one number more. */
  readonly by: PointFunction;
  /** The same for all particles, such as an observation. */
  readonly inputs: ArrayLike<number>;
  readonly step: number;
}

/** Moves and potentials of any form: functions that see the normals, the observation and the step beside the particle. */
export interface CardDynamics {
  /** x' = F(x, z, step) for all particles, NaN where F fails. Queued. @throws OptionError when F takes other points. */
  draw(options: DrawOptions): Promise<void>;
  /**
   * The function at every particle, [n] on the card, NaN where it fails; overwritten by the next call.
   * @throws OptionError when it takes other points.
   */
  potential(options: PotentialOptions): Promise<GpuArray<'f32'>>;
}

interface Bound {
  readonly code: KernelCode;
  readonly constants: GpuArray<'f32'>;
}

export function cardDynamics(options: CardMovesOptions): CardDynamics {
  const { gpu, arena, x, particles: n, dimension: d, key } = options;
  const bind = binder(gpu, arena);
  const density = arena.f32(n);
  const held = new Map<number, GpuArray<'f32'>>();
  const upload = (inputs: ArrayLike<number>): GpuArray<'f32'> => {
    const array = held.get(inputs.length) ?? arena.f32(Math.max(1, inputs.length));
    held.set(inputs.length, array);
    gpu.write(array, Float32Array.from(inputs));
    return array;
  };
  return {
    async draw({ by, normals, purpose = 'mutation', ...at }) {
      const point = pointOf('draw', by, purpose === 'init' ? 0 : d, normals, d);
      const { code, constants } = await bind(by);
      const shader = sameShader(drawingShader(code, d, point));
      gpu.run(
        shader,
        { state: x.now(), constants, next: x.next() },
        drawParams(key, at, PURPOSE[purpose]),
        n,
      );
      x.swap();
    },
    async potential({ by, inputs, step }) {
      const point = pointOf('potential', by, d, inputs.length, 1);
      const { code, constants } = await bind(by);
      const shader = sameShader(potentialShader(code, point));
      gpu.run(shader, { state: x.now(), inputs: upload(inputs), constants, density }, { step }, n);
      return density;
    },
  };
}

/** Functions on a card, each bound once. */
function binder(gpu: Gpu, arena: GpuArena): (by: PointFunction) => Promise<Bound> {
  const bound = new Map<PointFunction, Promise<Bound>>();
  const make = async (by: PointFunction): Promise<Bound> => {
    const code = by.kind === 'gpu-kernel' ? await kernelCode(by) : by.code;
    const constants = arena.f32(code.constants.length);
    gpu.write(constants, code.constants);
    return { code, constants };
  };
  return (by) => {
    const found = bound.get(by) ?? make(by);
    bound.set(by, found);
    return found;
  };
}

function pointOf(where: string, by: PointFunction, state: number, rest: number, outputs: number): PointParts {
  const fixed = state + rest;
  if (by.outputs === outputs && (by.dims === fixed || by.dims === fixed + 1))
    return { state, rest, step: by.dims > fixed };
  throw new OptionError({
    where,
    option: 'by',
    value: by,
    found: `\`${by.name}\` takes ${by.dims} numbers and returns ${by.outputs}`,
    expected: `a function of ${fixed} numbers, or ${fixed + 1} with the step, that returns ${outputs}`,
  });
}
