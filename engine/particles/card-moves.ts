import type { Gpu, GpuArena, GpuArray } from '../backend/gpu-types.ts';
import { FAILED, metropolisShader } from '../backend/wgsl/metropolis.ts';
import { kernelMoveShader, normalMoveShader } from '../backend/wgsl/moves.ts';
import { sameShader } from '../backend/wgsl/same-shader.ts';
import { checkCount, checkNumber } from '../check.ts';
import { ValueError } from '../errors.ts';
import { PURPOSE } from '../random/purpose.ts';
import { channel } from '../random/rng.ts';
import { type Noise, noiseOnCard } from './card-noise.ts';
import type { CardFunction, CardFunctions } from './card-target.ts';

/** Where the draws of a move are: its step, and its number among the moves of one step. */
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

export interface MetropolisOptions {
  /** A mixture, or a kernel with the log density as its only output; of d + 1 outputs, score and log density, with `stepSize`. */
  readonly target: CardFunction;
  readonly step: number;
  /** Moves of each particle. Default 1. */
  readonly moves?: number;
  /** Random-walk proposals. */
  readonly noise?: Noise;
  /** Langevin proposals of step h instead. */
  readonly stepSize?: number;
}

/** Moves of all particles of a card, each one pass: draws, function, update. All are queued; see `CardParticles`. */
export interface CardMoves {
  /** x' = keep x + L z. */
  walk(options: WalkOptions): Promise<void>;
  /** x' = f(x) + L z. */
  transition(options: TransitionOptions): Promise<void>;
  /** x' = x + (h / 2) score(x) + sqrt(h) z, without a correction: the law is kept only up to O(h). */
  langevin(options: LangevinOptions): Promise<void>;
  /**
   * Metropolis moves that keep the target: random walk, or Langevin with its correction. Returns the share accepted.
   * @throws ValueError when a log density was NaN or +Infinity, with the particle.
   */
  metropolis(options: MetropolisOptions): Promise<number>;
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
  readonly x: MovedField;
  readonly particles: number;
  readonly dimension: number;
  readonly key: readonly [number, number];
}

export function cardMoves(options: CardMovesOptions): CardMoves {
  const {
    gpu,
    arena,
    functions,
    x,
    particles: n,
    dimension: d,
    key: [k0, k1],
  } = options;
  const noiseOf = noiseOnCard(gpu, arena, d);
  const logDensity = arena.f32(n);
  const outcome = arena.u32(n);
  const address = ({ step, sub = 0 }: MoveAddress, purpose: number) => ({
    k0,
    k1,
    first: 0,
    step: checkCount('move', 'step', step, { min: 0, max: 4294967295 }),
    channel: channel(purpose, checkCount('move', 'sub', sub, { min: 0, max: 16777215 })),
  });

  const functionMove = async (
    where: string,
    of: CardFunction,
    noise: Noise,
    params: Parameters<typeof address>[0] & { readonly keep: number; readonly drift: number },
  ): Promise<void> => {
    const { kernel, constants } = await functions.bind(where, of, 'map');
    const { shape, scale, factor } = noiseOf(where, noise);
    const shader = sameShader(kernelMoveShader(kernel, d, shape));
    const { keep, drift } = params;
    const draws = address(params, PURPOSE.mutation);
    gpu.run(shader, { x: x.now(), constants, factor, next: x.next() }, { ...draws, keep, drift, scale }, n);
    x.swap();
  };

  return {
    async walk({ noise, keep = 1, purpose = 'mutation', ...at }) {
      const { shape, scale, factor } = noiseOf('walk', noise);
      const shader = sameShader(normalMoveShader(d, shape));
      const draws = address(at, PURPOSE[purpose]);
      gpu.run(shader, { x: x.now(), factor, next: x.next() }, { ...draws, keep, drift: 0, scale }, n);
      x.swap();
    },
    transition: ({ map, noise, ...at }) =>
      functionMove('transition', map, noise, { ...at, keep: 0, drift: 1 }),
    async langevin({ target, stepSize, ...at }) {
      const h = checkStep('langevin', stepSize);
      await functionMove('langevin', target, Math.sqrt(h), { ...at, keep: 1, drift: h / 2 });
    },
    async metropolis({ target, step, moves = 1, noise, stepSize }) {
      const h = noise === undefined ? checkStep('metropolis', stepSize) : 0;
      const scored = noise === undefined;
      const part = scored ? 'score and density' : 'density';
      const { kernel, constants, output } = await functions.bind('metropolis', target, part);
      const { shape, scale, factor } = noiseOf('metropolis', noise ?? Math.sqrt(h));
      const shader = sameShader(metropolisShader(kernel, d, shape, scored, output));
      for (let sub = 0; sub < moves; sub++) {
        const draws = address({ step, sub }, PURPOSE.proposal);
        const acceptance = channel(PURPOSE.acceptance, sub);
        const params = { ...draws, acceptance, fresh: sub === 0 ? 1 : 0, drift: h / 2, scale };
        gpu.run(shader, { x: x.now(), constants, factor, logDensity, outcome }, params, n);
      }
      return acceptedShare(await gpu.read(outcome), moves);
    },
  };
}

function checkStep(where: string, stepSize: unknown): number {
  return checkNumber(where, 'stepSize', stepSize, (h) => h > 0 && h < Infinity, 'a number > 0');
}

function acceptedShare(outcome: Uint32Array, moves: number): number {
  const index = outcome.indexOf(FAILED);
  if (index >= 0) {
    throw new ValueError({
      where: 'metropolis',
      found: `the log density is NaN or +Infinity where particle ${index} is or was to go`,
      expected: 'a finite number, or -Infinity where there is no mass',
      fix: 'Look at what the target returns there.',
      index,
    });
  }
  return outcome.reduce((sum, count) => sum + count, 0) / (outcome.length * moves);
}
