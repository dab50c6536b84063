import { checkCount, checkOptionNames } from '../check.ts';
import { solveLower } from '../math/linear-algebra.ts';
import { log } from '../wasm/twins/elementary.ts';
import { copyRow } from './candidates.ts';
import type { KernelChoice, KernelContext, MarkovKernel } from './kernel.ts';
import { checkPositive } from './kernel-options.ts';
import { type Component, fitMixture, logConstant } from './mixture-fit.ts';
import { type Block, blockRows, makeKernel } from './mover.ts';
import { correlateRow, learnShape, otherKernel, restoredShape, savedShape, unitShape } from './shape.ts';

/*
 * Independent Metropolis-Hastings moves: x' ~ q, a normal law or a mixture fitted to the weighted particles; smc.md 7.3.
 *
 *   log ratio = log target(x') - log target(x) + log q(x) - log q(x')
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | q | components | [K] normal laws |
 *
 * The component of a proposal is chosen by the uniform that follows its normals.
 */

export interface IndependentMovesOptions {
  /** K, normal laws in the proposal. Default 1. */
  readonly components?: number;
  /** Factor on their standard deviations; above 1 for targets with heavier tails than normal. Default 1. */
  readonly inflation?: number;
}

/** Proposals from a law fitted to the population: few moves are enough where the target looks like it. */
export function independentMoves(options: IndependentMovesOptions = {}): KernelChoice {
  const where = 'independentMoves';
  checkOptionNames(where, options, ['components', 'inflation']);
  checkPositive(where, 'inflation', options.inflation);
  if (options.components !== undefined)
    checkCount(where, 'components', options.components, { min: 1, max: 100 });
  const choice: KernelChoice = {
    kind: 'markov-kernel',
    name: 'independent moves',
    needs: 'density',
    options: { ...options },
    open: (context) => open(choice, context, options),
  };
  return choice;
}

function open(choice: KernelChoice, context: KernelContext, options: IndependentMovesOptions): MarkovKernel {
  const { dimension: d, backend } = context;
  const { components: K = 1, inflation = 1 } = options;
  const rows = blockRows(context);
  const arena = backend.arena();
  const points = arena.f64(rows * d);
  const before = arena.f64(rows);
  const after = arena.f64(rows);
  const density = mixtureArrays((length) => arena.f64(length), K, d);
  let shape = unitShape(d);
  let components: readonly Component[] = [{ ...shape, weight: 1 }];
  const logProposal = (x: Float64Array, out: Float64Array, n: number): Promise<void> => {
    const { means, whiten, constant } = density.fill(components);
    return backend.dispatch('mixtureLogDensity', [x, d, means, whiten, constant, components.length, out], n);
  };
  const propose = async (block: Block): Promise<void> => {
    const { states, lo, count, candidates, target } = block;
    drawMixture(block, components);
    for (let i = 0; i < count; i++) copyRow(states.x, lo + i, points, i, d);
    await logProposal(points, before, count);
    await logProposal(candidates.x, after, count);
    await candidates.evaluate(target, count);
  };
  return makeKernel(
    choice,
    context,
    {
      propose,
      correction: (_block, i) => before[i]! - after[i]!,
      spread: () => shape.spread,
      tell() {},
      dispose: () => arena.release(),
    },
    {
      tune(population) {
        shape = learnShape(population, shape);
        components = inflate(fitMixture(population, K), inflation) ?? components;
      },
      tuning: () => ({ components: components.length }),
      snapshot: () => ({
        shape: savedShape(shape),
        components: components.map((component) => ({ weight: component.weight, ...savedShape(component) })),
      }),
      restore(saved) {
        shape = restoredShape(saved.shape, d);
        components = restoredComponents(saved.components, d, K);
      },
    },
  );
}

function inflate(found: readonly Component[] | undefined, factor: number): readonly Component[] | undefined {
  return found?.map((component) => ({ ...component, lower: component.lower.map((entry) => factor * entry) }));
}

function restoredComponents(saved: unknown, d: number, most: number): readonly Component[] {
  if (!Array.isArray(saved) || saved.length === 0 || saved.length > most)
    throw otherKernel(`it has not 1 to ${most} components`);
  return saved.map((part: { weight: number }) => ({ ...restoredShape(part, d), weight: part.weight }));
}

/** Candidates from the mixture: component by one uniform, then mean + lower z. */
function drawMixture(block: Block, components: readonly Component[]): void {
  const { count, normals, candidates } = block;
  const d = components[0]!.mean.length;
  const { x } = candidates;
  for (let i = 0; i < count; i++) {
    const { mean, lower } = components.length === 1 ? components[0]! : choose(components, block.extra(i));
    correlateRow(lower, d, normals, i * d, x, i * d);
    for (let c = 0; c < d; c++) x[i * d + c] = mean[c]! + x[i * d + c]!;
  }
}

function choose(components: readonly Component[], u: number): Component {
  let below = 0;
  for (const component of components) {
    below += component.weight;
    if (u < below) return component;
  }
  return components[components.length - 1]!;
}

/** The mixture as the kernel `mixtureLogDensity` reads it. */
interface MixtureArrays {
  readonly means: Float64Array;
  readonly whiten: Float64Array;
  readonly constant: Float64Array;
}

/** Room for K components of d numbers; filled again only when they have changed. */
function mixtureArrays(
  take: (length: number) => Float64Array,
  K: number,
  d: number,
): { fill(components: readonly Component[]): MixtureArrays } {
  const triangle = (d * (d + 1)) / 2;
  const arrays = { means: take(K * d), whiten: take(K * triangle), constant: take(K) };
  let last: readonly Component[] | undefined;
  return {
    fill(components) {
      if (components === last) return arrays;
      last = components;
      components.forEach(({ mean, lower, weight }, k) => {
        arrays.means.set(mean, k * d);
        invertLower(lower, d, arrays.whiten.subarray(k * triangle));
        arrays.constant[k] = log(weight) + logConstant(lower, d);
      });
      return arrays;
    },
  };
}

/** The lower triangle by rows of the inverse of a lower triangular [d, d]. */
function invertLower(lower: Float64Array, d: number, out: Float64Array): void {
  const column = new Float64Array(d);
  for (let j = 0; j < d; j++) {
    column.fill(0)[j] = 1;
    solveLower(lower, d, column);
    for (let i = j; i < d; i++) out[(i * (i + 1)) / 2 + j] = column[i]!;
  }
}
