import { show } from '../../../engine/check.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { KernelChoice, MarkovKernel, MoveTarget } from '../../../engine/kernel/kernel.ts';
import { tempered } from '../../../engine/kernel/kernel.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import type { Rng, Stream } from '../../../engine/random/rng.ts';
import type { Context } from '../../../engine/sampler.ts';
import { withDensities } from '../densities.ts';
import type { OpenedPrior } from '../samplers/prior.ts';
import type { ParameterModels } from './parameter-models.ts';

/**
 * A draw of theta [p] from p(theta | path, y), or a move that keeps that law: given the path x_0..x_{T-1} [T, d], the theta
 * before, and the random numbers to use. May be asked for the same draw again, in a resumed run: let it depend on nothing else.
 */
export type DrawParameters = (path: Float64Array, theta: Float64Array, stream: Stream) => ArrayLike<number>;

/** The parameter half of a sweep, opened for a run. */
export interface ParameterUpdate {
  /** theta of a chain after sweep number `sweep`, from 1. */
  update(chain: number, path: Float64Array, theta: Float64Array, sweep: number): Promise<Float64Array>;
  /** What a warm-up tunes. */
  readonly kernel: MarkovKernel | undefined;
  release(): void;
}

/** Sweeps by a function: its stream is (purpose 3, step = sweep) of the chain. */
export function drawnParameters(
  where: string,
  draw: DrawParameters,
  width: number,
  rngs: readonly Rng[],
): ParameterUpdate {
  return {
    async update(chain, path, theta, sweep) {
      const stream = rngs[chain]!.stream({ purpose: PURPOSE.proposal, step: sweep });
      const drawn = draw(path.slice(), theta.slice(), stream);
      return checkedTheta(where, 'update', drawn, width);
    },
    kernel: undefined,
    release() {},
  };
}

/** p finite numbers, as theta. @throws OptionError. */
export function checkedTheta(
  where: string,
  option: string,
  value: ArrayLike<number>,
  width: number,
): Float64Array {
  const theta = Float64Array.from(value ?? []);
  if (theta.length === width && theta.every(Number.isFinite)) return theta;
  throw new OptionError({
    where,
    option,
    value,
    found: `option \`${option}\` gave ${theta.length === width ? `(${theta.join(', ')})` : show(value)}`,
    expected: `${width} finite ${width === 1 ? 'number' : 'numbers'}, one for each parameter`,
  });
}

interface KernelParts {
  readonly where: string;
  readonly prior: OpenedPrior;
  readonly kernel: KernelChoice;
  /** Moves a sweep. */
  readonly moves: number;
  readonly models: ParameterModels;
}

/**
 * Sweeps by a Markov kernel on prior(theta) p(path, y | theta), which the model's own densities give: the draws of a chain are at
 * purposes 3 and 4, step = sweep, sub = move, of its generator.
 * @throws OptionError when the model lacks `logInitial` or `logTransition`.
 */
export function movedParameters(parts: KernelParts, ctx: Context, rngs: readonly Rng[]): ParameterUpdate {
  const { where, prior, moves, models } = parts;
  const { backend, signal } = ctx;
  const d = prior.law.dimension;
  const context = { where, backend, signal, dimension: d, prior: prior.law, gradient: false, chains: 1 };
  const kernel = parts.kernel.open(context);
  const arena = backend.arena();
  const states = { count: 1, x: arena.f64(d), logPrior: arena.f64(1), logLikelihood: arena.f64(1) };
  return {
    kernel,
    async update(chain, path, theta, sweep) {
      const target: MoveTarget = {
        dimension: d,
        logPrior: prior.rows,
        logLikelihood(x, n, out) {
          for (let i = 0; i < n; i++)
            out[i] = pathLikelihood(where, models, x.slice(i * d, (i + 1) * d), path);
        },
        ...tempered(1),
      };
      states.x.set(theta);
      await target.logPrior(states.x, 1, states.logPrior);
      await target.logLikelihood(states.x, 1, states.logLikelihood);
      for (let move = 0; move < moves; move++)
        await kernel.move(states, target, { rng: rngs[chain]!, step: sweep, move });
      return Float64Array.from(states.x);
    },
    release() {
      kernel.dispose();
      arena.release();
    },
  };
}

/** log p(x_0) + sum log f_t(x_t given x_{t-1}) + sum log g_t(y_t given x_t). */
function pathLikelihood(
  where: string,
  models: ParameterModels,
  theta: Float64Array,
  path: Float64Array,
): number {
  const model = models.at(theta);
  const densities = withDensities(
    where,
    model,
    'moving parameters by a kernel',
    'give `update`, a draw of theta given the path',
  );
  const { dimension: d } = model;
  const out = new Float64Array(1);
  const state = (t: number): Float64Array => path.subarray(t * d, (t + 1) * d);
  densities.logInitial(state(0), out);
  let total = out[0]!;
  models.observations().forEach((y, t) => {
    if (t > 0) {
      densities.logTransition(t, state(t - 1), state(t), out);
      total += out[0]!;
    }
    if (y === null) return;
    model.logObservation(t, y, state(t), out);
    total += out[0]!;
  });
  return total;
}
