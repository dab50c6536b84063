import { checkCount } from '../check.ts';
import type { Rows } from '../distribution/multivariate.ts';
import type { KernelChoice, KernelContext, MarkovKernel } from './kernel.ts';
import {
  checkGradientGiven,
  checkKernelOptions,
  checkPositive,
  type KernelOptions,
  startShape,
} from './kernel-options.ts';
import { makeTrajectories } from './leapfrog.ts';
import { type Block, makeKernel } from './mover.ts';
import { learnShape, restoredShape, savedShape } from './shape.ts';
import { makeStepSize } from './step-size.ts';

/*
 * Hamiltonian Monte Carlo (Duane, Kennedy, Pendleton & Roweth 1987; Neal 2011) in the coordinates x = mean + L v, in
 * which the target has about unit covariance; smc.md 7.3.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | L L' | shape: the covariance of the weighted particles | [d, d] |
 * | e | stepSize, d^(-1/4) at first; log e += acceptance - 0.75 at each tuning | |
 * | steps of one trajectory | steps; default pi/2 / e: a quarter of the period of a unit normal law | |
 *
 * Each chain has its own e U(0.8, 1.2) at each move. Momenta are the normals of the proposal's stream, the jitter the
 * uniform that follows them.
 */

export interface HmcOptions extends KernelOptions {
  /** Leapfrog steps of one move, each a gradient. Default: as many as make pi/2 at the step size, 1 to `mostSteps`. */
  readonly steps?: number;
  /** Default 64. */
  readonly mostSteps?: number;
  /** e, first. Default d^(-1/4), in units of the standard deviations of the target. */
  readonly stepSize?: number;
  /** [d, d] covariance until the kernel is tuned. Default the identity. */
  readonly covariance?: Rows;
}

const MOST_STEPS = 64;

/** Hamiltonian moves; the target must give gradients. Acceptance 0.75 unless told otherwise. */
export function hmc(options: HmcOptions = {}): KernelChoice {
  const where = 'hmc';
  checkKernelOptions(where, options, ['steps', 'mostSteps', 'stepSize', 'covariance']);
  checkPositive(where, 'stepSize', options.stepSize);
  if (options.steps !== undefined) checkCount(where, 'steps', options.steps, { min: 1, max: 10000 });
  if (options.mostSteps !== undefined)
    checkCount(where, 'mostSteps', options.mostSteps, { min: 1, max: 10000 });
  const choice: KernelChoice = {
    kind: 'markov-kernel',
    name: 'HMC',
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

function open(choice: KernelChoice, context: KernelContext, options: HmcOptions): MarkovKernel {
  const { dimension: d } = context;
  const {
    acceptance: target = 0.75,
    adapt = true,
    stepSize = d ** (-1 / 4),
    mostSteps = MOST_STEPS,
  } = options;
  let shape = startShape('hmc', options.covariance, d);
  const step = makeStepSize({ initial: stepSize, target, adapt });
  const steps = (): number =>
    options.steps ?? Math.min(mostSteps, Math.max(1, Math.round(Math.PI / 2 / step.size)));
  const trajectories = makeTrajectories(context);
  return makeKernel(
    choice,
    context,
    {
      propose: (block: Block) => trajectories.run(block, shape.lower, step.size, steps()),
      correction: (_block, row) => trajectories.correction(row),
      spread: () => shape.spread,
      tell: step.tell,
    },
    {
      tune(population) {
        shape = learnShape(population, shape);
        step.adapt();
      },
      tuning: () => ({ stepSize: step.size, steps: steps() }),
      snapshot: () => ({ shape: savedShape(shape), step: step.snapshot() }),
      restore(saved) {
        shape = restoredShape(saved.shape, d);
        step.restore(saved.step);
      },
    },
  );
}
