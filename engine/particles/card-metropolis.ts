import { FAILED, metropolisShader } from '../backend/wgsl/metropolis.ts';
import { sameShader } from '../backend/wgsl/same-shader.ts';
import { checkCount } from '../check.ts';
import { OptionError, ValueError } from '../errors.ts';
import { PURPOSE } from '../random/purpose.ts';
import { channel } from '../random/rng.ts';
import { type CardMovesOptions, checkStep, drawParams } from './card-moves.ts';
import type { Noise } from './card-noise.ts';
import type { CardFunction } from './card-target.ts';

export interface MetropolisOptions {
  /** A mixture, or a kernel with the log density as its only output; of d + 1 outputs, score and log density, with `stepSize`. */
  readonly target: CardFunction;
  readonly step: number;
  /** Moves of each particle, numbered sub, sub + 1, ... among the moves of the step. Default 1. */
  readonly moves?: number;
  /** Number of the first move. Default 0: to go on at the same step, give what the step has had. */
  readonly sub?: number;
  /** Random-walk proposals. */
  readonly noise?: Noise;
  /** Langevin proposals of step h instead. */
  readonly stepSize?: number;
}

/** Moves with rejection of all particles of a card. */
export interface CardMetropolis {
  /**
   * Metropolis moves that keep the target: random walk, or Langevin with its correction. Returns the share accepted.
   * A second call at the same step takes the same draws unless `sub` says otherwise.
   * @throws ValueError when a log density was NaN or +Infinity, with the particle.
   */
  metropolis(options: MetropolisOptions): Promise<number>;
}

export function cardMetropolis(options: CardMovesOptions): CardMetropolis {
  const { gpu, arena, functions, noiseOf, x, particles: n, dimension: d, key } = options;
  const logDensity = arena.f32(n);
  const outcome = arena.u32(n);
  return {
    async metropolis({ target, step, moves = 1, sub: begin = 0, noise, stepSize }) {
      checkCount('metropolis', 'moves', moves, { min: 1, max: 2 ** 24 });
      checkCount('metropolis', 'sub', begin, { min: 0, max: 2 ** 24 - moves });
      if (noise !== undefined && stepSize !== undefined) throw both(stepSize);
      const h = noise === undefined ? checkStep('metropolis', stepSize) : 0;
      const scored = noise === undefined;
      const part = scored ? 'score and density' : 'density';
      const { kernel, constants, output } = await functions.bind('metropolis', target, part);
      const { shape, scale, factor } = noiseOf('metropolis', noise ?? Math.sqrt(h));
      const shader = sameShader(metropolisShader(kernel, d, shape, scored, output));
      for (let sub = begin; sub < begin + moves; sub++) {
        const draws = drawParams(key, { step, sub }, PURPOSE.proposal);
        const acceptance = channel(PURPOSE.acceptance, sub);
        const params = { ...draws, acceptance, fresh: sub === begin ? 1 : 0, drift: h / 2, scale };
        gpu.run(shader, { x: x.now(), constants, factor, logDensity, outcome }, params, n);
      }
      return acceptedShare(await gpu.read(outcome), moves);
    },
  };
}

function both(stepSize: number): OptionError {
  return new OptionError({
    where: 'metropolis',
    option: 'stepSize',
    value: stepSize,
    found: 'there are both `noise` and `stepSize`',
    expected: '`noise` for a random walk, or `stepSize` for Langevin proposals',
  });
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
