import { checkNumber, checkOneOf, checkOptionNames, checkPointMemory } from '../../../engine/check.ts';
import { type InputSpace, inputDigest, inputSpace } from '../../../engine/distribution/inputs.ts';
import { checkOutputs } from '../../../engine/model/evaluator.ts';
import { checkEvent, type Event } from '../../../engine/model/event.ts';
import { kernelDigest } from '../../../engine/model/local.ts';
import { checkMissing, type MissingPolicy } from '../../../engine/model/missing.ts';
import { checkPoints } from '../../../engine/random/point-plan.ts';
import type { PointSetName } from '../../../engine/random/point-set.ts';
import type { Warning } from '../../../engine/types.ts';
import type { MonteCarloOptions } from './monte-carlo-types.ts';
import type { Statistic } from './output-statistics.ts';

/** Checked options with their defaults. */
export interface Plan {
  readonly space: InputSpace;
  readonly points: number;
  readonly replicates: number;
  readonly perReplicate: number;
  /** What the number of points calls for: a net that is not whole. */
  readonly warnings: readonly Warning[];
  readonly design: PointSetName;
  readonly level: number;
  readonly missing: MissingPolicy;
  /** The statistics wanted, once the outputs have names. Means first, then variances, quantiles, probabilities. */
  statistics(outputs: readonly string[]): readonly Statistic[];
  /** What must agree between a snapshot and the method that resumes it. */
  readonly fingerprint: string;
  /** Tells kernels apart; undefined for other models. */
  readonly kernel: string | undefined;
}

const DESIGNS: readonly PointSetName[] = ['sobol', 'lattice', 'lhs', 'iid', 'antithetic'];

const OPTIONS: Readonly<Record<keyof MonteCarloOptions, true>> = {
  model: true,
  inputs: true,
  dependence: true,
  outputs: true,
  points: true,
  replicates: true,
  design: true,
  quantiles: true,
  probabilities: true,
  level: true,
  missing: true,
};

/** @throws OptionError for the first option that cannot be used. */
export function checkPlan(where: string, options: MonteCarloOptions): Plan {
  checkOptionNames(where, options, Object.keys(OPTIONS));
  const space = inputSpace(where, options.inputs, options.dependence);
  const design = checkOneOf(where, 'design', options.design ?? 'sobol', DESIGNS);
  const usual = design === 'iid' || design === 'antithetic' ? 1 : 8;
  const plan = checkPoints(where, design, { points: options.points, replicates: options.replicates, usual });
  checkPointMemory(where, plan.total, 8 * (space.dimension + (options.outputs?.length ?? 1)));
  const level = checkNumber(
    where,
    'level',
    options.level ?? 0.95,
    (x) => x > 0 && x < 1,
    'a number between 0 and 1',
  );
  checkOutputs(where, options.outputs);
  for (const p of options.quantiles ?? []) {
    checkNumber(where, 'quantiles', p, (x) => x > 0 && x < 1, 'numbers between 0 and 1');
  }
  const events = Object.entries(options.probabilities ?? {});
  for (const [name, event] of events) checkEvent(where, event, options.outputs, `probabilities.${name}`);
  const missing = checkMissing(where, options.missing ?? 'error');
  return {
    space,
    points: plan.total,
    replicates: plan.replicates,
    perReplicate: plan.perReplicate,
    warnings: plan.warnings,
    design,
    level,
    missing,
    statistics: (outputs) => wanted(where, outputs, options.quantiles ?? [], events),
    fingerprint: JSON.stringify([
      where,
      design,
      plan.perReplicate,
      plan.replicates,
      inputDigest(space),
      missing,
    ]),
    kernel: kernelDigest(options.model),
  };
}

function wanted(
  where: string,
  outputs: readonly string[],
  quantiles: readonly number[],
  events: readonly (readonly [string, Event])[],
): readonly Statistic[] {
  const each = (make: (output: string, column: number) => Statistic): Statistic[] => outputs.map(make);
  const means = each((name, output) => ({ name, output, what: { kind: 'mean' } }));
  const variances = each((name, output) => ({
    name: `variance of ${name}`,
    output,
    what: { kind: 'variance' },
  }));
  const levels = quantiles.flatMap((p) =>
    each((name, output) => ({
      name: `${name} ${Number((100 * p).toPrecision(6))} %`,
      output,
      what: { kind: 'quantile', p },
    })),
  );
  const chances = events.map(([name, event]): Statistic => {
    const named =
      event.output === undefined
        ? outputs[0]!
        : checkOneOf(where, `probabilities.${name}.output`, event.output, outputs);
    return { name, output: outputs.indexOf(named), what: { kind: 'probability', event } };
  });
  return [...means, ...variances, ...levels, ...chances];
}
