import type { Arena, Backend } from '../backend/backend.ts';
import type { Gpu, GpuArena, GpuArray } from '../backend/gpu/types.ts';
import { densityShader } from '../backend/wgsl/density.ts';
import { makeReduce } from '../backend/wgsl/reduce.ts';
import { sameShader } from '../backend/wgsl/same-shader.ts';
import { checkCount, checkNumber } from '../check.ts';
import { ShapeError } from '../errors.ts';
import type { Rng } from '../random/rng.ts';
import { type CardDynamics, cardDynamics } from './card-dynamics.ts';
import { type CardFieldSpecs, type CardFields, makeCardFields } from './card-fields.ts';
import { type CardMetropolis, cardMetropolis } from './card-metropolis.ts';
import { type CardMoves, type CardMovesOptions, cardMoves, type MovedField } from './card-moves.ts';
import { type Noise, noiseOnCard } from './card-noise.ts';
import { type CardScheme, makeCardResampler } from './card-resampler.ts';
import { type CardFunction, cardFunctions } from './card-target.ts';
import { badIncrement, cardWeights } from './card-weights.ts';
import { essOf, type WeightSummary } from './log-weight.ts';

export interface CardParticlesOptions<F extends CardFieldSpecs> {
  readonly gpu: Gpu;
  /** The host, where log-weights and the normaliser are, in float64. */
  readonly backend: Backend;
  /** n, at least 1. */
  readonly particles: number;
  /** d, numbers in a particle. */
  readonly dimension: number;
  readonly rng: Rng;
  /** Default 'systematic'. */
  readonly scheme?: CardScheme;
  /** Fields that are resampled with the particles. Default none. */
  readonly fields?: F;
}

/**
 * n weighted particles whose positions, float32 [n, d], stay on a card from step to step. Their log-weights and the
 * normaliser are float64 on the host, which sees n numbers in `reweight` and n integers go out in `resample`.
 *
 * A step of a sampler is: resample (when `ess` is low), a move, `logDensity`, `reweight`. Await each: the work itself is
 * queued on the card and only numbers that come back are waited for. Functions and noise given as objects are uploaded
 * once and kept until `release`.
 */
export interface CardParticles<F extends CardFieldSpecs = CardFieldSpecs>
  extends CardMoves,
    CardDynamics,
    CardMetropolis {
  readonly count: number;
  readonly dimension: number;
  /** [n] natural log, unnormalised, since the last resampling. Starts at 0. */
  readonly logWeight: Float64Array;
  /** [n] exp(logWeight - max) as last weighed; overwritten by `resample`. */
  readonly weight: Float64Array;
  /** Effective sample size, in particles. */
  readonly ess: number;
  /** log of the estimate of the normaliser: sums of log-mean increments, booked as weights come. */
  readonly logNormalizer: number;
  /** The fields asked for, and the positions as `x`. */
  readonly fields: CardFields<F & { readonly x: { readonly components: number } }>;
  /** Put the particles where `points` [n, d] says. Weights are not touched. */
  place(points: Float32Array): void;
  /** First positions: x = mean + L z, z the normals of purpose init at step 0. `mean` [d], default 0. */
  scatter(options: { readonly noise: Noise; readonly mean?: ArrayLike<number> }): Promise<void>;
  /** The log density at every particle, [n] on the card; overwritten by the next call. */
  logDensity(of: CardFunction): Promise<GpuArray<'f32'>>;
  /**
   * Summary of power times an array [n] of the card, added up there: what an increment would do to equal weights, for
   * choosing the power (`essOf`) before `reweight`. To about 1e-6; the n numbers stay where they are.
   * @throws ValueError at NaN or +Infinity, with the particle.
   */
  summary(increment: GpuArray<'f32'>, power?: number): Promise<WeightSummary>;
  /**
   * Add power times a float32 increment [n] of the card to the log-weights, widened to float64; -3e38 and less is dead.
   * An increment l is known to 2^-24 |l| at best: leave out what is the same for all particles when it is large. Increments
   * that were read and worked on are given as float64. The dead stay dead, whatever their increment.
   * @throws ValueError at NaN or +Infinity, with the particle; OptionError for a bad power; the weights are then as before.
   */
  reweight(increment: GpuArray<'f32'> | Float64Array, power?: number): Promise<WeightSummary>;
  /** Weigh `logWeight` as it stands, after writing to it: starts from weights of before. The normaliser stays. */
  weigh(): Promise<WeightSummary>;
  /**
   * Replace the particles by their ancestors and set the log-weights to 0. The ancestors [n] are the host's own for these
   * weights; they stay on the card until the next call.
   * @param step the step at which the ancestors are used.
   * @throws DegeneracyError when all are dead.
   */
  resample(step: number): Promise<GpuArray<'u32'>>;
  /** Copy of the positions, [n, d]. */
  read(): Promise<Float32Array<ArrayBuffer>>;
  /** Give everything back, on the card and on the host. Idempotent. */
  release(): void;
}

/** @throws OptionError for a bad count or scheme; BackendError when the card cannot hold the arrays. */
export function cardParticles<const F extends CardFieldSpecs = Readonly<Record<never, never>>>(
  options: CardParticlesOptions<F>,
): CardParticles<F> {
  checkCount('cardParticles', 'particles', options.particles, { min: 1, max: 2 ** 31 });
  checkCount('cardParticles', 'dimension', options.dimension, { min: 1 });
  const [arena, cards] = [options.backend.arena(), options.gpu.arena()];
  // No field of the user's can have the type of x, whose name comes last.
  const specs = { ...options.fields, x: { components: options.dimension } } as F & typeof POSITION;
  const fields = makeCardFields(options.gpu, options.particles, specs);
  const release = (): void => {
    fields.release();
    cards.release();
    arena.release();
  };
  try {
    return assembled(options, fields, arena, cards, release);
  } catch (error) {
    release();
    throw error;
  }
}

/** The field of the positions. */
const POSITION = { x: { components: 1 } } as { readonly x: { readonly components: number } };

function assembled<F extends CardFieldSpecs>(
  { gpu, backend, particles: n, dimension: d, rng, scheme = 'systematic' }: CardParticlesOptions<F>,
  fields: CardFields<F & typeof POSITION>,
  arena: Arena,
  cards: GpuArena,
  release: () => void,
): CardParticles<F> {
  const x: MovedField = {
    now: () => fields.field('x') as GpuArray<'f32'>,
    next: () => fields.spare('x') as GpuArray<'f32'>,
    swap: () => fields.swap('x'),
  };
  const resampler = makeCardResampler({ gpu, cardArena: cards, backend, arena, particles: n, scheme });
  const weights = cardWeights(arena, n, resampler.weigh);
  const functions = cardFunctions(gpu, cards, d);
  const noiseOf = noiseOnCard(gpu, cards, d);
  const shared = { gpu, arena: cards, functions, noiseOf, x, particles: n, dimension: d, key: rng.key };
  const moves = cardMoves(shared);
  return {
    ...moves,
    ...cardDynamics(shared),
    ...cardMetropolis(shared),
    ...positions(shared, moves),
    count: n,
    dimension: d,
    fields,
    logWeight: weights.logWeight,
    weight: resampler.weight,
    get ess() {
      return essOf(weights.summary);
    },
    get logNormalizer() {
      return weights.logNormalizer;
    },
    summary: cardSummary(gpu, cards, n),
    reweight: async (increment, power = 1) => {
      checkPower('reweight', power);
      const host = increment instanceof Float64Array ? increment : await gpu.read(increment, 0, n);
      return weights.add(host, power);
    },
    weigh: () => weights.weigh(),
    async resample(step) {
      await weights.ready();
      const ancestor = await resampler.draw({ key: rng.key, step });
      fields.select(ancestor);
      weights.reset();
      return ancestor;
    },
    release,
  };
}

function positions(
  { gpu, arena, functions, x, particles: n, dimension: d }: CardMovesOptions,
  moves: CardMoves,
): Pick<CardParticles, 'place' | 'scatter' | 'logDensity' | 'read'> {
  const density = arena.f32(n);
  const place = (points: Float32Array): void => {
    if (points.length !== n * d) throw badShape('points', points.length, `${n * d}, ${d} for each particle`);
    gpu.write(x.now(), points);
  };
  return {
    place,
    async scatter({ noise, mean = new Float32Array(d) }) {
      if (mean.length !== d) throw badShape('mean', mean.length, `${d}, as many as a particle has`);
      place(Float32Array.from({ length: n * d }, (_, at) => mean[at % d]!));
      await moves.walk({ noise, step: 0, purpose: 'init' });
    },
    async logDensity(of) {
      const { kernel, constants, output } = await functions.bind('logDensity', of, 'density');
      gpu.run(sameShader(densityShader(kernel, d, output)), { x: x.now(), constants, density }, {}, n);
      return density;
    },
    read: () => gpu.read(x.now()),
  };
}

function cardSummary(gpu: Gpu, arena: GpuArena, n: number): CardParticles['summary'] {
  const reduce = makeReduce(gpu, arena, n);
  return async (increment, power = 1) => {
    checkPower('summary', power);
    const { bad, ...summary } = await reduce.run(increment, power);
    if (bad !== undefined) throw badIncrement((await gpu.read(increment, bad, 1))[0]!, bad);
    return summary;
  };
}

function checkPower(where: string, power: number): void {
  checkNumber(where, 'power', power, (x) => x >= 0 && x < Infinity, 'a number >= 0');
}

function badShape(name: string, found: number, expected: string): ShapeError {
  return new ShapeError({ where: 'cardParticles', found: `\`${name}\` has ${found} numbers`, expected });
}
