import type { Rows } from '../distribution/multivariate.ts';
import type { KernelChoice, KernelContext, MarkovKernel } from './kernel.ts';
import {
  checkGradientGiven,
  checkKernelOptions,
  checkPositive,
  type KernelOptions,
  startShape,
} from './kernel-options.ts';
import { type Block, blockRows, makeKernel } from './mover.ts';
import { correlateRow, learnShape, restoredShape, savedShape, squaredNorm } from './shape.ts';
import { makeStepSize } from './step-size.ts';
import { whitenedScore } from './whitened-score.ts';

/*
 * Metropolis-adjusted Langevin moves (Roberts & Rosenthal 1998), preconditioned, smc.md 7.3.
 *
 *   x' = x + (e^2 / 2) C grad(x) + e L z = x + L (e^2 / 2 a + e z)       C = L L',  a = L' grad(x)
 *   log q(x' | x) = -|L^-1 (x' - x - (e^2 / 2) C grad(x))|^2 / (2 e^2) = -|z|^2 / 2
 *   log q(x | x') = -|z + (e / 2)(a + a')|^2 / 2
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | C | shape: the covariance of the weighted particles | [d, d] |
 * | e | stepSize, 1.65 d^(-1/6) at first; log e += acceptance - 0.574 at each tuning | |
 * | a, a' | before, after | [rows, d] |
 */

export interface MalaOptions extends KernelOptions {
  /** e, first. Default 1.65 d^(-1/6), in units of the standard deviations of the target. */
  readonly stepSize?: number;
  /** [d, d] C until the kernel is tuned. Default the identity. */
  readonly covariance?: Rows;
}

/** Langevin moves with rejection; the target must give gradients. Acceptance 0.574 unless told otherwise. */
export function mala(options: MalaOptions = {}): KernelChoice {
  const where = 'mala';
  checkKernelOptions(where, options, ['stepSize', 'covariance']);
  checkPositive(where, 'stepSize', options.stepSize);
  const choice: KernelChoice = {
    kind: 'markov-kernel',
    name: 'MALA',
    needs: 'gradient',
    options: { ...options },
    check(fit) {
      checkGradientGiven(where, fit);
      startShape(where, options.covariance, fit.dimension);
    },
    open(context) {
      checkGradientGiven(where, context);
      return open(choice, context, options);
    },
  };
  return choice;
}

function open(choice: KernelChoice, context: KernelContext, options: MalaOptions): MarkovKernel {
  const { dimension: d } = context;
  const { acceptance: target = 0.574, adapt = true, stepSize = 1.65 * d ** (-1 / 6) } = options;
  let shape = startShape('mala', options.covariance, d);
  const step = makeStepSize({ initial: stepSize, target, adapt });
  const before = new Float64Array(blockRows(context) * d);
  const after = new Float64Array(d);
  const v = new Float64Array(d);
  const propose = async ({ states, lo, count, target, candidates, normals }: Block): Promise<void> => {
    const e = step.size;
    const { x } = candidates;
    for (let i = 0; i < count; i++) {
      const at = i * d;
      whitenedScore(states, lo + i, target.slope, shape.lower, d, before, at);
      for (let c = 0; c < d; c++) v[c] = 0.5 * e * e * before[at + c]! + e * normals[at + c]!;
      correlateRow(shape.lower, d, v, 0, x, at);
      for (let c = 0; c < d; c++) x[at + c] = states.x[lo * d + at + c]! + x[at + c]!;
    }
    await candidates.evaluate(target, count);
  };
  const correction = ({ target, candidates, normals }: Block, i: number): number => {
    const at = i * d;
    whitenedScore(candidates, i, target.slope, shape.lower, d, after, 0);
    for (let c = 0; c < d; c++) v[c] = normals[at + c]! + 0.5 * step.size * (before[at + c]! + after[c]!);
    return 0.5 * (squaredNorm(normals, at, d) - squaredNorm(v, 0, d));
  };
  return makeKernel(
    choice,
    context,
    { propose, correction, spread: () => shape.spread, tell: step.tell },
    {
      tune(population) {
        shape = learnShape(population, shape);
        step.adapt();
      },
      tuning: () => ({ stepSize: step.size }),
      snapshot: () => ({ shape: savedShape(shape), step: step.snapshot() }),
      restore(saved) {
        shape = restoredShape(saved.shape, d);
        step.restore(saved.step);
      },
    },
  );
}
