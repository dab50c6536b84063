import { checkNumber } from '../check.ts';
import type { Rows } from '../distribution/multivariate.ts';
import { exp } from '../wasm/twins/elementary.ts';
import { normalQuantile } from '../wasm/twins/normal.ts';
import type { KernelChoice, KernelContext, MarkovKernel } from './kernel.ts';
import { checkKernelOptions, checkPositive, type KernelOptions, startShape } from './kernel-options.ts';
import { type Block, makeKernel } from './mover.ts';
import { correlateRow, learnShape, restoredShape, savedShape } from './shape.ts';
import { makeStepSize } from './step-size.ts';

/*
 * Random-walk Metropolis (Roberts, Gelman & Gilks 1997), smc.md 7.3: x' = x + s L z, L L' = S.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | S = L L' | shape: the covariance of the weighted particles | [d, d] |
 * | s | scale, 2 / sqrt d at first; log s += acceptance - (0.315 + 0.19 / d) at each tuning | |
 * | tau | scaleSpread: chain i walks with s e^{tau z_i}, drawn anew at each move | |
 *
 * Departure: the source's scale of 2.38 / sqrt d and acceptance of 0.234 are best for means as d grows. Evidence is a mean of
 * weights, which depend on the distance from the mode, and prefers smaller steps; so do few dimensions. Variances of averages
 * over chains of 100 on a normal target, tuned to 0.234, divided by those with the acceptance here, in 1, 2, 5 and 10
 * dimensions: of weights with an effective size of N / 2: 2.4, 1.8, 1.38, 1.21; of a coordinate: 1.36, 1.09, 0.97, 0.96.
 */

export interface RandomWalkOptions extends KernelOptions {
  /** s, first. Default 2 / sqrt d. */
  readonly scale?: number;
  /** Standard deviation of the log of a chain's own scale, drawn anew at each move. Default 0. */
  readonly scaleSpread?: number;
  /** [d, d] S until the kernel is tuned. Default the identity. */
  readonly covariance?: Rows;
}

/** Random walk. Acceptance 0.315 + 0.19 / d unless told otherwise. */
export function randomWalk(options: RandomWalkOptions = {}): KernelChoice {
  const where = 'randomWalk';
  checkKernelOptions(where, options, ['scale', 'scaleSpread', 'covariance']);
  checkPositive(where, 'scale', options.scale);
  const { scaleSpread: tau = 0 } = options;
  checkNumber(where, 'scaleSpread', tau, (x) => x >= 0 && x < 10, 'a number in [0, 10)');
  const choice: KernelChoice = {
    kind: 'markov-kernel',
    name: 'random walk',
    needs: 'density',
    options: { ...options },
    check: (fit) => void startShape(where, options.covariance, fit.dimension),
    open: (context) => open(choice, context, options),
  };
  return choice;
}

function open(choice: KernelChoice, context: KernelContext, options: RandomWalkOptions): MarkovKernel {
  const { dimension: d } = context;
  const { acceptance: target = 0.315 + 0.19 / d, adapt = true } = options;
  const { scale = 2 / Math.sqrt(d), scaleSpread = 0 } = options;
  let shape = startShape('randomWalk', options.covariance, d);
  const step = makeStepSize({ initial: scale, target, adapt });
  const propose = async ({ states, lo, count, target, candidates, normals, extra }: Block): Promise<void> => {
    const { x } = candidates;
    for (let i = 0; i < count; i++) {
      const s = scaleSpread === 0 ? step.size : step.size * exp(scaleSpread * normalQuantile(extra(i)));
      const at = i * d;
      correlateRow(shape.lower, d, normals, at, x, at);
      for (let c = 0; c < d; c++) x[at + c] = states.x[lo * d + at + c]! + s * x[at + c]!;
    }
    await candidates.evaluate(target, count);
  };
  return makeKernel(
    choice,
    context,
    { propose, correction: () => 0, spread: () => shape.spread, tell: step.tell },
    {
      tune(population) {
        shape = learnShape(population, shape);
        step.adapt();
      },
      tuning: () => ({ scale: step.size }),
      snapshot: () => ({ shape: savedShape(shape), step: step.snapshot() }),
      restore(saved) {
        shape = restoredShape(saved.shape, d);
        step.restore(saved.step);
      },
    },
  );
}
