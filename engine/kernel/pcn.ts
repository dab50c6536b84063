import { checkNumber } from '../check.ts';
import { type GaussianPrior, gaussianPrior } from './gaussian-prior.ts';
import type { KernelChoice, KernelContext, MarkovKernel } from './kernel.ts';
import { checkKernelOptions, type KernelOptions } from './kernel-options.ts';
import { type Block, makeKernel } from './mover.ts';
import { correlateRow } from './shape.ts';
import { makeStepSize } from './step-size.ts';

/*
 * Preconditioned Crank-Nicolson moves for a normal prior N(m, L L') (Cotter, Roberts, Stuart & White 2013); smc.md 7.3.
 *
 *   x' = m + rho (x - m) + sqrt(1 - rho^2) L z        accepted by the likelihood alone: the proposal keeps the prior
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | sqrt(1 - rho^2) | step, 0.5 at first; log step += acceptance - 0.3 at each tuning, at most 1 | |
 *
 * A target that is -Infinity outside some region is kept too: the prior is then the normal law cut to it. Nothing is
 * learnt of place and covariance: they are the prior's.
 */

export interface PcnOptions extends KernelOptions {
  /** sqrt(1 - rho^2), first, in (0, 1]. At 1 proposals are fresh draws of the prior. Default 0.5. */
  readonly step?: number;
}

/** Moves along a normal prior, for targets of high dimension and rare events. Acceptance 0.3 unless told otherwise. */
export function pcn(options: PcnOptions = {}): KernelChoice {
  const where = 'pcn';
  checkKernelOptions(where, options, ['step']);
  const { step = 0.5 } = options;
  checkNumber(where, 'step', step, (x) => x > 0 && x <= 1, 'a number in (0, 1]');
  const choice: KernelChoice = {
    kind: 'markov-kernel',
    name: 'pCN',
    needs: 'gaussian-prior',
    options: { ...options },
    check: (fit) => void gaussianPrior(where, fit),
    open: (context) => open(choice, context, gaussianPrior(where, context), options),
  };
  return choice;
}

function open(
  choice: KernelChoice,
  context: KernelContext,
  { mean, lower, diagonal }: GaussianPrior,
  options: PcnOptions,
): MarkovKernel {
  const { dimension: d } = context;
  const { acceptance: target = 0.3, adapt = true, step: initial = 0.5 } = options;
  const step = makeStepSize({ initial, target, adapt, most: 1 });
  const spread = priorSpread(lower, d);
  const propose = async ({ states, lo, count, target, candidates, normals }: Block): Promise<void> => {
    const { x } = candidates;
    const noise = step.size;
    const rho = Math.sqrt(1 - noise * noise);
    for (let i = 0; i < count; i++) {
      const at = i * d;
      if (diagonal) for (let c = 0; c < d; c++) x[at + c] = spread[c]! * normals[at + c]!;
      else correlateRow(lower, d, normals, at, x, at);
      for (let c = 0; c < d; c++)
        x[at + c] = mean[c]! + rho * (states.x[lo * d + at + c]! - mean[c]!) + noise * x[at + c]!;
    }
    await candidates.evaluate(target, count);
  };
  return makeKernel(
    choice,
    context,
    { propose, correction: () => 0, priorInRatio: false, spread: () => spread, tell: step.tell },
    {
      tune: () => step.adapt(),
      tuning: () => ({ step: step.size }),
      snapshot: () => ({ step: step.snapshot() }),
      restore: (saved) => step.restore(saved.step),
    },
  );
}

function priorSpread(lower: Float64Array, d: number): Float64Array {
  return Float64Array.from({ length: d }, (_, r) => {
    let sum = 0;
    for (let c = 0; c <= r; c++) sum += lower[r * d + c]! ** 2;
    return Math.sqrt(sum);
  });
}
