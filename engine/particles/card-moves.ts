import type { Gpu, GpuArena, GpuArray } from '../backend/gpu/types.ts';
import { kernelMoveShader, normalMoveShader } from '../backend/wgsl/moves.ts';
import { sameShader } from '../backend/wgsl/same-shader.ts';
import { checkCount, checkNumber } from '../check.ts';
import { PURPOSE } from '../random/purpose.ts';
import { channel } from '../random/rng.ts';
import type { Noise, NoiseOf } from './card-noise.ts';
import type { CardFunction, CardFunctions } from './card-target.ts';

/**
 * Where the draws of a move are: its step, and its number among the moves of one step. Two moves at one address take the
 * same draws, whichever they are.
 */
export interface MoveAddress {
  readonly step: number;
  /** Default 0. */
  readonly sub?: number;
}

export interface WalkOptions extends MoveAddress {
  readonly noise: Noise;
  /** What the particle is multiplied with. Default 1, a random walk. */
  readonly keep?: number;
  /** Default 'mutation'. */
  readonly purpose?: 'init' | 'mutation';
}

export interface TransitionOptions extends MoveAddress {
  /** f, a kernel of d outputs (or d + 1, of which the first d count). */
  readonly map: CardFunction;
  readonly noise: Noise;
}

export interface LangevinOptions extends MoveAddress {
  /** A mixture, or a kernel whose first d outputs are the score. */
  readonly target: CardFunction;
  /** h > 0 */
  readonly stepSize: number;
}

/** Moves of all particles of a card, each one pass: draws, function, update. All are queued; see `CardParticles`. */
export interface CardMoves {
  /** x' = keep x + L z. */
  walk(options: WalkOptions): Promise<void>;
  /** x' = f(x) + L z. */
  transition(options: TransitionOptions): Promise<void>;
  /** x' = x + (h / 2) score(x) + sqrt(h) z, without a correction: the law is kept only up to O(h). */
  langevin(options: LangevinOptions): Promise<void>;
}

/** The two arrays [n, d] of the particles. */
export interface MovedField {
  now(): GpuArray<'f32'>;
  next(): GpuArray<'f32'>;
  swap(): void;
}

export interface CardMovesOptions {
  readonly gpu: Gpu;
  readonly arena: GpuArena;
  readonly functions: CardFunctions;
  readonly noiseOf: NoiseOf;
  readonly x: MovedField;
  readonly particles: number;
  readonly dimension: number;
  readonly key: readonly [number, number];
}

export function cardMoves(options: CardMovesOptions): CardMoves {
  const { gpu, functions, noiseOf, x, particles: n, dimension: d, key } = options;
  const functionMove = async (
    where: string,
    of: CardFunction,
    noise: Noise,
    params: MoveAddress & { readonly keep: number; readonly drift: number },
  ): Promise<void> => {
    const { kernel, constants } = await functions.bind(where, of, 'map');
    const { shape, scale, factor } = noiseOf(where, noise);
    const shader = sameShader(kernelMoveShader(kernel, d, shape));
    const { keep, drift } = params;
    const draws = drawParams(key, params, PURPOSE.mutation);
    gpu.run(shader, { x: x.now(), constants, factor, next: x.next() }, { ...draws, keep, drift, scale }, n);
    x.swap();
  };

  return {
    async walk({ noise, keep = 1, purpose = 'mutation', ...at }) {
      const { shape, scale, factor } = noiseOf('walk', noise);
      const shader = sameShader(normalMoveShader(d, shape));
      const draws = drawParams(key, at, PURPOSE[purpose]);
      gpu.run(shader, { x: x.now(), factor, next: x.next() }, { ...draws, keep, drift: 0, scale }, n);
      x.swap();
    },
    transition: ({ map, noise, ...at }) =>
      functionMove('transition', map, noise, { ...at, keep: 0, drift: 1 }),
    async langevin({ target, stepSize, ...at }) {
      const h = checkStep('langevin', stepSize);
      await functionMove('langevin', target, Math.sqrt(h), { ...at, keep: 1, drift: h / 2 });
    },
  };
}

/** What the shaders of moves call the address of their draws. */
export interface DrawParams {
  readonly k0: number;
  readonly k1: number;
  readonly first: number;
  readonly step: number;
  readonly channel: number;
}

/** @throws OptionError for a bad step or number of a move. */
export function drawParams(
  [k0, k1]: readonly [number, number],
  { step, sub = 0 }: MoveAddress,
  purpose: number,
): DrawParams {
  checkCount('move', 'step', step, { min: 0, max: 4294967295 });
  checkCount('move', 'sub', sub, { min: 0, max: 16777215 });
  return { k0, k1, first: 0, step, channel: channel(purpose, sub) };
}

/** @throws OptionError unless the step size is a number > 0. */
export function checkStep(where: string, stepSize: unknown): number {
  return checkNumber(where, 'stepSize', stepSize, (h) => h > 0 && h < Infinity, 'a number > 0');
}
