import { checkNumber, checkOneOf, checkPointMemory, show } from '../../../engine/check.ts';
import { isDensity } from '../../../engine/distribution/density-digest.ts';
import { type Inputs, inputSpace } from '../../../engine/distribution/inputs.ts';
import { jointLaw } from '../../../engine/distribution/joint-density.ts';
import { densityMixture } from '../../../engine/distribution/multivariate-mixture.ts';
import { OptionError } from '../../../engine/errors.ts';
import { checkOutputs } from '../../../engine/model/evaluator.ts';
import { kernelDigest } from '../../../engine/model/local.ts';
import { checkMissing, type MissingPolicy } from '../../../engine/model/missing.ts';
import type { ModelLike } from '../../../engine/model/model.ts';
import { checkPoints } from '../../../engine/random/point-plan.ts';
import type { Density, Warning } from '../../../engine/types.ts';
import { checkExpectations, type PointExpectations } from '../weighted/point-functions.ts';
import type { WeightedEstimator } from '../weighted/weighted-means.ts';
import type { PointDesign } from '../weighted/weighted-result.ts';
import { checkTarget, type Target, type TargetOptions } from './target.ts';

/** What methods that weigh points have in common. */
export interface WeighedOptions extends TargetOptions {
  /** Default: none; then expectations are of the coordinates. Not asked where the target has no mass. */
  readonly model?: ModelLike;
  /** Names of the outputs. Default ['y'], or found from the model. */
  readonly outputs?: readonly string[];
  /** { name: expectation }. Default: the mean of each output, or of each coordinate. */
  readonly expectations?: PointExpectations;
  /**
   * - 'plain', of a normalised target: mean of weight times value, which has the right mean;
   * - 'self-normalised': divided by the mean weight; off by O(1/n);
   * - 'smoothed': the same with the largest weights replaced by quantiles of a Pareto law: biased, with less variance; no interval.
   *
   * Default 'plain' for a normalised target, else 'self-normalised'.
   */
  readonly estimator?: WeightedEstimator;
  /** 'sobol' (default): scrambled Sobol' points in replicates; 'iid': independent ones. */
  readonly design?: 'sobol' | 'iid';
  /** Independent randomisations that share the points. Default 8; 1 for 'iid'. */
  readonly replicates?: number;
  /** Default 0.95. */
  readonly level?: number;
  /** What to do with points at which the model fails: 'error' (default), or a value. Left out, they would bias. */
  readonly missing?: Exclude<MissingPolicy, 'drop-row'>;
}

/** Checked options of both, with their defaults. */
export interface WeighedPlan {
  readonly where: string;
  readonly target: Target;
  readonly names: readonly string[];
  readonly model: ModelLike | undefined;
  readonly outputs: readonly string[] | undefined;
  readonly expectations: PointExpectations | undefined;
  readonly estimator: WeightedEstimator;
  readonly design: 'sobol' | 'iid';
  readonly points: number;
  readonly replicates: number;
  readonly perReplicate: number;
  readonly level: number;
  readonly missing: Exclude<MissingPolicy, 'drop-row'>;
  readonly warnings: readonly Warning[];
  readonly pointDesign: PointDesign;
  /** What must agree between a snapshot and the method that resumes it. */
  readonly fingerprint: readonly unknown[];
}

const ESTIMATORS: readonly WeightedEstimator[] = ['plain', 'self-normalised', 'smoothed'];

export const WEIGHED_OPTIONS: readonly string[] = [
  'inputs',
  'dependence',
  'target',
  'normalised',
  'names',
  'model',
  'outputs',
  'expectations',
  'estimator',
  'design',
  'replicates',
  'level',
  'missing',
];

/**
 * @param dimension d of the proposal.
 * @param asked points that are weighed.
 * @throws OptionError for the first option that cannot be used.
 */
export function checkWeighed(
  where: string,
  options: WeighedOptions,
  dimension: number,
  asked: number | undefined,
): WeighedPlan {
  const target = checkTarget(where, options, dimension);
  const { names } = target;
  const { model, outputs, expectations, level = 0.95 } = options;
  const design = checkOneOf(where, 'design', options.design ?? 'sobol', ['sobol', 'iid']);
  const usual = design === 'iid' ? 1 : 8;
  const plan = checkPoints(where, design, { points: asked, replicates: options.replicates, usual });
  checkPointMemory(where, plan.total, 8 * (dimension + 2 + (outputs?.length ?? 1)));
  checkNumber(where, 'level', level, (x) => x > 0 && x < 1, 'a number between 0 and 1');
  checkOutputs(where, outputs);
  if (model === undefined && outputs !== undefined) throw noModel(where, outputs);
  const known = model === undefined ? [] : outputs;
  if (expectations !== undefined) checkExpectations(where, expectations, names, known);
  const missing = checkMissing(where, options.missing ?? 'error');
  if (missing === 'drop-row') throw dropsRows(where);
  const usualEstimator = target.normalised ? 'plain' : 'self-normalised';
  const estimator = checkOneOf(where, 'estimator', options.estimator ?? usualEstimator, ESTIMATORS);
  if (estimator === 'plain' && !target.normalised) throw notNormalised(where);
  return {
    ...{ where, target, names, model, outputs, expectations, estimator, design, level, missing },
    points: plan.total,
    replicates: plan.replicates,
    perReplicate: plan.perReplicate,
    warnings: plan.warnings,
    pointDesign: { perReplicate: plan.perReplicate, independent: design === 'iid' },
    fingerprint: [
      where,
      target.digest,
      [design, plan.perReplicate, plan.replicates, missing],
      kernelDigest(model),
    ],
  };
}

/** A law to draw from: of d numbers, or laws of inputs by name, those left out being as in the target. */
export type ProposalLike = Density | Inputs;

/** @throws OptionError unless it is a law of d numbers, or laws of some of the inputs. */
export function checkProposal(
  where: string,
  option: string,
  proposal: ProposalLike | undefined,
  { inputs, dependence }: TargetOptions,
): Density {
  if (isDensity(proposal)) return proposal;
  if (proposal === null || typeof proposal !== 'object') throw noProposal(where, option, proposal);
  if (inputs === undefined) return jointLaw(where, inputSpace(where, proposal));
  const stranger = Object.keys(proposal).find((name) => !(name in inputs));
  if (stranger !== undefined) checkOneOf(where, `${option}.${stranger}`, stranger, Object.keys(inputs));
  return jointLaw(where, inputSpace(where, { ...inputs, ...proposal }, dependence));
}

/**
 * The proposal with a share of another law in it, so that weights stay below 1 / share where that law is the target.
 * @throws OptionError for a share outside [0, 1), or when the target cannot be drawn from and no law is given.
 */
export function defended(where: string, proposal: Density, share: number, law: Density | undefined): Density {
  checkNumber(where, 'defensive', share, (x) => x >= 0 && x < 1, 'a number in [0, 1)');
  if (law !== undefined && (!isDensity(law) || law.dimension !== proposal.dimension))
    throw noProposal(where, 'defensiveLaw', law);
  if (share === 0) return proposal;
  if (law !== undefined) return densityMixture([proposal, law], [1 - share, share]);
  throw new OptionError({
    where,
    option: 'defensive',
    value: share,
    found: 'the target is a log density, which cannot be drawn from',
    expected: 'a law to mix into the proposal',
    fix: 'Give one as `defensiveLaw`.',
  });
}

function noModel(where: string, outputs: readonly string[]): OptionError {
  return new OptionError({
    where,
    option: 'outputs',
    value: outputs,
    found: '`outputs` are named and there is no `model`',
    expected: 'a model that they are the outputs of',
  });
}

function dropsRows(where: string): OptionError {
  return new OptionError({
    where,
    option: 'missing',
    value: 'drop-row',
    found: "option `missing` is 'drop-row', which would change the target",
    expected: "'error' or a number to put in place",
  });
}

function notNormalised(where: string): OptionError {
  return new OptionError({
    where,
    option: 'estimator',
    value: 'plain',
    found: "estimator 'plain' is asked for and the target is a log density up to a constant",
    expected: "'self-normalised' or 'smoothed'",
    fix: 'If it is normalised, say normalised: true.',
  });
}

function noProposal(where: string, option: string, value: unknown): OptionError {
  return new OptionError({
    where,
    option,
    value,
    found: `option \`${option}\` is ${show(value)}`,
    expected: 'a law of d numbers, such as multivariateNormal(mean, covariance), or a record { name: law }',
  });
}
