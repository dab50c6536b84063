import {
  checkCount,
  checkNumber,
  checkOneOf,
  checkOptionNames,
  checkPointMemory,
  spaced,
} from '../../../engine/check.ts';
import { type InputSpace, inputDigest, inputSpace } from '../../../engine/distribution/inputs.ts';
import { OptionError } from '../../../engine/errors.ts';
import { checkOutputs } from '../../../engine/model/evaluator.ts';
import { kernelDigest } from '../../../engine/model/local.ts';
import { checkMissing } from '../../../engine/model/missing.ts';
import type { ModelLike } from '../../../engine/model/model.ts';
import { checkFunctionals, gradientsOf, type NamedFunctional } from './functional.ts';
import type { AdaptationSettings } from './settings.ts';
import type { ExpectationsOptions } from './types.ts';
import { checkLaws, checkWanted, type Laws, type Wanted } from './wanted.ts';

/** Checked options with their defaults. */
export interface ExpectationsPlan extends AdaptationSettings {
  readonly where: string;
  readonly model: ModelLike;
  readonly space: InputSpace;
  /** Whether the working space is that of standard normals; else that of the inputs. */
  readonly normals: boolean;
  readonly laws: Laws;
  /** Names of the outputs, where given. */
  readonly outputs: readonly string[] | undefined;
  /** The expectations; undefined when they are means of outputs whose names the model has yet to tell. */
  readonly wanted: readonly Wanted[] | undefined;
  readonly functionals: readonly NamedFunctional[];
  readonly level: number;
  readonly missing: 'error' | number;
  /** What must agree between a snapshot and the method that resumes it. */
  readonly fingerprint: string;
  /** Tells kernels apart; undefined for other models. */
  readonly kernel: string | undefined;
}

const OPTIONS: Readonly<Record<keyof ExpectationsOptions, true>> = {
  model: true,
  inputs: true,
  dependence: true,
  outputs: true,
  laws: true,
  expectations: true,
  weights: true,
  functionals: true,
  optimize: true,
  points: true,
  stages: true,
  proposal: true,
  space: true,
  floor: true,
  defensive: true,
  controls: true,
  design: true,
  replicates: true,
  scrambles: true,
  allocation: true,
  keep: true,
  preset: true,
  level: true,
  missing: true,
};

/** As in the code released with the paper. */
const PUBLISHED = {
  weights: 'equal',
  stages: 5,
  proposal: 'normal',
  space: 'inputs',
  floor: 0,
  defensive: 0,
  controls: 'own',
  design: 'iid',
  replicates: 1,
  allocation: 'drawn',
  keep: 'newest',
} as const satisfies Partial<ExpectationsOptions>;

const POINTS = 16_384;

/** @throws OptionError for the first option that cannot be used. */
export function checkPlan(where: string, given: ExpectationsOptions): ExpectationsPlan {
  checkOptionNames(where, given, Object.keys(OPTIONS));
  const published = given.preset !== undefined;
  if (published) checkOneOf(where, 'preset', given.preset, ['published']);
  const options = withDefaults(published ? PUBLISHED : {}, given);
  const space = inputSpace(where, options.inputs, options.dependence);
  checkOutputs(where, options.outputs);
  const normals = checkOneOf(where, 'space', options.space ?? 'normals', ['normals', 'inputs']) === 'normals';
  const laws = checkLaws(where, space, options, normals);
  const wanted = checkWanted(where, options, laws.names);
  const functionals = checkFunctionals(
    where,
    options.functionals,
    wanted?.map(({ name }) => name),
  );
  const rare = wanted?.some(({ of }) => of.kind === 'event') === true;
  const settings = checkSettings(where, options, { dimension: space.dimension, rare }, functionals);
  const plan = {
    ...settings,
    published,
    where,
    model: options.model,
    space,
    normals,
    laws,
    outputs: options.outputs,
    wanted,
    functionals,
    level: checkNumber(
      where,
      'level',
      options.level ?? 0.95,
      (x) => x > 0 && x < 1,
      'a number between 0 and 1',
    ),
    missing: checkFailures(where, options.missing),
    kernel: kernelDigest(options.model),
  };
  if (wanted !== undefined) checkExpectationCount(plan, wanted.length);
  return { ...plan, fingerprint: fingerprintOf(plan) };
}

/** Options that were given win, also over the preset. */
function withDefaults(preset: Partial<ExpectationsOptions>, given: ExpectationsOptions): ExpectationsOptions {
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...preset, ...(Object.fromEntries(set) as Partial<ExpectationsOptions>) } as ExpectationsOptions;
}

function checkSettings(
  where: string,
  options: ExpectationsOptions,
  problem: Problem,
  functionals: readonly NamedFunctional[],
): Omit<AdaptationSettings, 'published'> {
  const optimize = checkOneOf(where, 'optimize', options.optimize ?? 'expectations', [
    'expectations',
    'functionals',
  ]);
  if (optimize === 'functionals' && functionals.length === 0) throw noFunctionals(where);
  const design = checkOneOf(where, 'design', options.design ?? 'sobol', ['sobol', 'iid']);
  return {
    ...checkStages(where, options, problem, design),
    ...checkShares(where, options),
    proposal: checkOneOf(where, 'proposal', options.proposal ?? 'normal', ['normal', 'diagonal', 'mixture']),
    controls: checkOneOf(where, 'controls', options.controls ?? 'own', ['own', 'all', 'none']),
    design,
    scrambles: checkOneOf(where, 'scrambles', options.scrambles ?? 'independent', ['independent', 'shared']),
    allocation: checkOneOf(where, 'allocation', options.allocation ?? 'shares', ['shares', 'drawn']),
    keep: checkOneOf(where, 'keep', options.keep ?? 'best', ['best', 'newest']),
    weights: checkWeights(where, options.weights ?? 'relative'),
    targets: optimize === 'functionals' ? functionals.length : 0,
    gradients: (value, out) => gradientsOf(functionals, value, out),
  };
}

interface Problem {
  readonly dimension: number;
  /** Whether some expectation is an event, and may be rare. */
  readonly rare: boolean;
}

/** The ladder of a rare event climbs one rung a stage: it gets more of them where each still shows a covariance well. */
const STAGES = 5;
const RUNGS = 10;
const WELL = 10;

/** Points, stages and replicates: a stage must show a covariance, and a replicate hold two of the final half. */
function checkStages(
  where: string,
  options: ExpectationsOptions,
  { dimension, rare }: Problem,
  design: 'sobol' | 'iid',
): Pick<AdaptationSettings, 'points' | 'stages' | 'perStage' | 'replicates'> {
  const points = checkCount(where, 'points', options.points ?? POINTS, { min: 2 });
  const half = Math.floor(points / 2);
  const least = dimension + 2;
  const usualStages = rare && half >= RUNGS * WELL * least ? RUNGS : STAGES;
  const stages = checkCount(where, 'stages', options.stages ?? usualStages, { min: 1 });
  const perStage = Math.floor(half / stages);
  if (perStage < least) throw tooFew(where, points, stages, perStage, least);
  const most = Math.floor(points / 4);
  const usual = design === 'iid' ? 1 : Math.min(8, 2 ** Math.floor(Math.log2(most)));
  const replicates = checkCount(where, 'replicates', options.replicates ?? usual, {
    min: 1,
    max: most,
    fix: `Each needs two of the ${spaced(Math.ceil(points / 2))} final points: try replicates: ${usual}.`,
  });
  return { points, stages, perStage, replicates };
}

/** The floor and the share of the laws must leave something to the fit. */
function checkShares(
  where: string,
  options: ExpectationsOptions,
): Pick<AdaptationSettings, 'floor' | 'defensive'> {
  const share = (option: 'floor' | 'defensive', usual: number): number =>
    checkNumber(where, option, options[option] ?? usual, (x) => x >= 0 && x < 1, 'a share in [0, 1)');
  const floor = share('floor', 0.05);
  const defensive = share('defensive', 0.1);
  if (floor + defensive < 1) return { floor, defensive };
  throw new OptionError({
    where,
    option: 'defensive',
    value: defensive,
    found: `options \`floor\` and \`defensive\` are ${floor} and ${defensive}, which leaves nothing to adapt`,
    expected: 'shares with a sum below 1',
  });
}

function checkWeights(where: string, weights: unknown): 'relative' | 'equal' | Float64Array {
  if (!Array.isArray(weights))
    return checkOneOf<'relative' | 'equal'>(where, 'weights', weights, ['relative', 'equal']);
  weights.forEach((w, j) => {
    checkNumber(where, `weights[${j}]`, w, (x) => x > 0 && x < Infinity, 'a finite number above 0');
  });
  return Float64Array.from(weights as readonly number[]);
}

function checkFailures(where: string, missing: unknown): 'error' | number {
  const policy = checkMissing(where, missing ?? 'error');
  if (policy !== 'drop-row') return policy;
  throw new OptionError({
    where,
    option: 'missing',
    value: policy,
    found: "option `missing` is 'drop-row', which would leave out points that the weights count on",
    expected: "'error' or a finite number",
    fix: 'Give the number that the output stands for where the model fails.',
  });
}

/**
 * What can only be checked when the number of expectations is known.
 * @throws OptionError for weights of another length, more controls than points, or more than memory holds.
 */
export function checkExpectationCount(
  plan: Pick<ExpectationsPlan, 'where' | 'weights' | 'controls' | 'perStage' | 'points' | 'space' | 'laws'>,
  count: number,
): void {
  const { where, weights, controls, perStage, points, space, laws } = plan;
  if (typeof weights !== 'string' && weights.length !== count) {
    throw new OptionError({
      where,
      option: 'weights',
      value: weights,
      found: `option \`weights\` has ${weights.length} entries`,
      expected: `${count}, one for each expectation`,
    });
  }
  if (controls === 'all' && perStage < count + 3) {
    throw new OptionError({
      where,
      option: 'controls',
      value: controls,
      found: `option \`controls\` is 'all': ${count + 1} coefficients for each expectation from ${perStage} points of a stage`,
      expected: 'more points in a stage than coefficients',
      fix: "Use controls: 'own', more points or fewer stages.",
    });
  }
  checkPointMemory(where, points, 8 * (4 * count + 2 * laws.names.length + 2 * space.dimension + 4));
}

function fingerprintOf(plan: Omit<ExpectationsPlan, 'fingerprint'>): string {
  const { where, laws, wanted, functionals, weights, missing } = plan;
  const { points, stages, proposal, normals, floor, defensive, controls, published } = plan;
  const { design, replicates, scrambles, allocation, keep, targets } = plan;
  return JSON.stringify([
    where,
    laws.names.map((name, l) => [name, inputDigest(laws.members[l]!.space)]),
    wanted?.map(({ name, law, of }) => [name, law, of.kind === 'function' ? of.kind : of]),
    functionals.map(({ name, gradient }) => [name, gradient !== undefined]),
    typeof weights === 'string' ? weights : [...weights],
    [points, stages, proposal, normals, floor, defensive, controls, published],
    [design, replicates, scrambles, allocation, keep, targets, missing],
  ]);
}

function tooFew(where: string, points: number, stages: number, perStage: number, least: number): OptionError {
  const fewer = Math.floor(Math.floor(points / 2) / least);
  const other = fewer >= 1 ? `, or stages: ${fewer}` : '';
  return new OptionError({
    where,
    option: 'points',
    value: points,
    found: `option \`points\` is ${points}, which leaves ${perStage} for each of ${stages} adapting stages`,
    expected: `at least ${least}, two more than there are inputs`,
    fix: `Try points: ${2 * stages * least}${other}.`,
  });
}

function noFunctionals(where: string): OptionError {
  return new OptionError({
    where,
    option: 'optimize',
    value: 'functionals',
    found: "option `optimize` is 'functionals', and there are none",
    expected: 'at least one entry of `functionals`',
  });
}
