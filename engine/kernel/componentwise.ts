import type { Law } from '../distribution/law.ts';
import { PURPOSE } from '../random/purpose.ts';
import { channel } from '../random/rng.ts';
import { log } from '../wasm/twins/elementary.ts';
import { independentPrior } from './gaussian-prior.ts';
import type { KernelChoice, KernelContext, MarkovKernel } from './kernel.ts';
import { checkKernelOptions, checkPositive, type KernelOptions } from './kernel-options.ts';
import { type Block, blockRows, makeKernel } from './mover.ts';
import { learnSpread, savedArray } from './shape.ts';
import { makeStepSize } from './step-size.ts';

/*
 * Componentwise Metropolis for a prior of independent coordinates (Au & Beck 2001, "modified Metropolis"): the way of
 * subset simulation through high dimensions, where a walk of all coordinates at once would leave the prior's shell.
 *
 *   xi_c = x_c + s sigma_c z_c,  taken with probability min(1, p_c(xi_c) / p_c(x_c)), for each coordinate by itself;
 *   x' of all coordinates, moved or not, is then accepted by the likelihood alone: the first stage keeps the prior.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | p_c | laws | [d] |
 * | sigma_c | spread of the weighted particles | [d] |
 * | s | scale, 1 at first; log s += acceptance - 0.3 at each tuning | |
 *
 * The uniforms of the coordinates follow that of the whole move in its stream of acceptances.
 */

export interface ComponentwiseOptions extends KernelOptions {
  /** s, first. Default 1. */
  readonly scale?: number;
}

/** Moves coordinate by coordinate along a prior of independent ones. Acceptance 0.3 unless told otherwise. */
export function componentwise(options: ComponentwiseOptions = {}): KernelChoice {
  const where = 'componentwise';
  checkKernelOptions(where, options, ['scale']);
  checkPositive(where, 'scale', options.scale);
  const choice: KernelChoice = {
    kind: 'markov-kernel',
    name: 'componentwise Metropolis',
    needs: 'independent-prior',
    options: { ...options },
    check: (fit) => void independentPrior(where, fit),
    open: (context) => open(choice, context, independentPrior(where, context), options),
  };
  return choice;
}

function open(
  choice: KernelChoice,
  context: KernelContext,
  laws: readonly Law[],
  options: ComponentwiseOptions,
): MarkovKernel {
  const { dimension: d, backend } = context;
  const { acceptance: target = 0.3, adapt = true, scale = 1 } = options;
  let spread: Float64Array = Float64Array.from(laws, spreadOf);
  const step = makeStepSize({ initial: scale, target, adapt });
  const arena = backend.arena();
  const uniforms = arena.f64(blockRows(context) * (d + 1));
  const propose = async (block: Block): Promise<void> => {
    const { count, lo, address, candidates, target } = block;
    const { rng, move, first = 0 } = address;
    const stream = [
      rng.key[0],
      rng.key[1],
      first + lo,
      address.step,
      channel(PURPOSE.acceptance, move),
    ] as const;
    await backend.dispatch('uniform', [uniforms, d + 1, ...stream], count);
    walkCoordinates(block, laws, spread, step.size, uniforms);
    await candidates.evaluate(target, count);
  };
  return makeKernel(
    choice,
    context,
    {
      propose,
      correction: () => 0,
      priorInRatio: false,
      spread: () => spread,
      tell: step.tell,
      dispose: () => arena.release(),
    },
    {
      tune(population) {
        spread = learnSpread(population, spread);
        step.adapt();
      },
      tuning: () => ({ scale: step.size }),
      snapshot: () => ({ spread: [...spread], step: step.snapshot() }),
      restore(saved) {
        spread = savedArray(saved, 'spread', d);
        step.restore(saved.step);
      },
    },
  );
}

function spreadOf({ variance }: Law): number {
  return variance > 0 && variance < Infinity ? Math.sqrt(variance) : 1;
}

/** The first stage, of every coordinate of a block: the candidates. */
function walkCoordinates(
  { states, lo, count, normals, candidates: { x } }: Block,
  laws: readonly Law[],
  spread: Float64Array,
  scale: number,
  uniforms: Float64Array,
): void {
  const d = laws.length;
  for (let c = 0; c < d; c++) {
    const { logDensity } = laws[c]!;
    const reach = scale * spread[c]!;
    for (let i = 0; i < count; i++) {
      const from = states.x[(lo + i) * d + c]!;
      const to = from + reach * normals[i * d + c]!;
      const u = uniforms[i * (d + 1) + 1 + c]!;
      x[i * d + c] = log(u) < logDensity(to) - logDensity(from) ? to : from;
    }
  }
}
