import type { Replace } from '../../../engine/cluster/on-cluster.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { DensityRows } from '../../../engine/kernel/kernel.ts';
import { type LogDensity, type LogDensitySource, openLogDensity } from '../../../engine/model/log-density.ts';
import type { Context } from '../../../engine/sampler.ts';
import type { PopulationPlan } from './plan.ts';

/** Where the likelihood of a sampler comes from: itself, or a target of which the prior is a part. */
export interface LikelihoodOptions {
  /** log likelihood of x, up to a constant that the log normalizer then holds too. */
  readonly logLikelihood?: LogDensitySource;
  /**
   * In its place: log density of the target, up to a constant. Likelihood is then target / prior, and the path is the
   * geometric one, prior^(1 - lambda) target^lambda.
   */
  readonly logTarget?: LogDensitySource;
}

/** @throws OptionError unless exactly one of the two is given. */
export function checkLikelihood(where: string, { logLikelihood, logTarget }: LikelihoodOptions): void {
  if ((logLikelihood === undefined) !== (logTarget === undefined)) return;
  throw new OptionError({
    where,
    option: 'logLikelihood',
    value: logLikelihood,
    found:
      logLikelihood === undefined
        ? 'neither `logLikelihood` nor `logTarget` is given'
        : 'both `logLikelihood` and `logTarget` are given',
    expected: 'one of the two',
    fix: 'logLikelihood: (x, out) => { ... } fills out [n] from x [n, d].',
  });
}

/** The same, evaluated elsewhere. @throws OptionError when it cannot be. */
export function replacedLikelihood(
  { logLikelihood, logTarget }: LikelihoodOptions,
  replace: Replace,
): LikelihoodOptions {
  if (logTarget === undefined) return { logLikelihood: replace(logLikelihood, 'logLikelihood') };
  return { logTarget: replace(logTarget, 'logTarget') };
}

/** Evaluations that a run of unknown length is taken for, when the backend decides whether a card pays. */
const STEPS = 10;
const MOVES = 10;

/** The likelihood as density of rows, with what was opened for it. */
export async function openLikelihood(
  options: LikelihoodOptions,
  plan: PopulationPlan,
  ctx: Context,
  done: number,
): Promise<{ readonly density: LogDensity; readonly rows: DensityRows }> {
  const { logLikelihood, logTarget } = options;
  const { where, prior, particles, runs } = plan;
  const { backend, signal } = ctx;
  const option = logTarget === undefined ? 'logLikelihood' : 'logTarget';
  const source = logLikelihood ?? logTarget!;
  const planned = particles * runs * STEPS * MOVES;
  const { names, law } = prior;
  const shared = { where, option, source, names, planned, backend, signal };
  const density = await openLogDensity({ ...shared, dimension: law.dimension }, done);
  const evaluate: DensityRows = (x, n, out, gradient) => density.evaluate(x, n, out, gradient);
  return { density, rows: logTarget === undefined ? evaluate : overPrior(evaluate, plan) };
}

/** target / prior. */
function overPrior(target: DensityRows, { prior }: PopulationPlan): DensityRows {
  const d = prior.law.dimension;
  return async (x, n, out, gradient) => {
    await target(x, n, out, gradient);
    const below = new Float64Array(n);
    const slope = gradient === undefined ? undefined : new Float64Array(n * d);
    await prior.rows(x, n, below, slope);
    for (let i = 0; i < n; i++) out[i] = out[i]! - below[i]!;
    if (gradient === undefined || slope === undefined) return;
    for (let at = 0; at < n * d; at++) gradient[at] = gradient[at]! - slope[at]!;
  };
}
