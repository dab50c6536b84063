import {
  checkList,
  checkNumber,
  checkOneOf,
  checkOptionNames,
  checkRecord,
  show,
} from '../../../engine/check.ts';
import { type InputSpace, inputSpace } from '../../../engine/distribution/inputs.ts';
import { checkRatios, lawFamily, type Member, memberOf } from '../../../engine/distribution/law-family.ts';
import { OptionError } from '../../../engine/errors.ts';
import { checkEvent, happens } from '../../../engine/model/event.ts';
import type { IntervalEstimate, Warning } from '../../../engine/types.ts';
import type { OtherLaw } from '../expectations/types.ts';
import { estimateWith, meanInfluence, weightedQuantileOf } from '../weighted/weighted-functionals.ts';
import type { WeightedMean, WeightedPoints } from '../weighted/weighted-means.ts';
import {
  checkWeightedResult,
  hasGaps,
  type WeightedResult,
  weightedOutput,
} from '../weighted/weighted-result.ts';
import { reachOf, shownAt, tooFar } from './law-reach.ts';
import type { ReweightOptions, ReweightResult, WhatIf } from './reweight-types.ts';

/*
 * What if the inputs had another law: reverse importance sampling, with no run of the model.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | h, the density of the points | the sample, log f_0 / h its logWeight | [n] |
 * | f_delta | laws | |
 * | w_delta = f_delta / h = (f_delta / f_0) (f_0 / h) | | [n] |
 * | k | paretoShape, of w_delta | |
 *
 *   I_delta = mean(w_delta y)              plain
 *           = sum w_delta y / sum w_delta  self-normalised
 *
 * Only marginals that differ need a density. A law with k > 0.7 (Vehtari et al. 2024), or fewer than 50 effective points, is too
 * far from the points: its values stand without intervals. From k = 1 below 20 effective points, below 10 in any case, or where the mean weight of
 * normalised densities is not 1, there are no values either.
 */
const WHERE = 'reweight';

const OPTIONS: Readonly<Record<keyof ReweightOptions, true>> = {
  result: true,
  inputs: true,
  dependence: true,
  laws: true,
  means: true,
  probabilities: true,
  quantiles: true,
  estimator: true,
  level: true,
};

/** One number wanted under every law. */
interface Wanted {
  readonly name: string;
  readonly output: string | undefined;
  readonly kind: 'mean' | 'probability' | 'quantile';
  of(points: WeightedPoints, values: Float64Array): WeightedMean;
}

/**
 * Estimates under other laws of the inputs, from points that were run under one.
 *
 * Standard errors are those of the points: replicates where they are randomised in replicates (8 scrambles of `monteCarlo`), else
 * independent points, else none.
 * @throws OptionError for bad options, a law that reaches where the inputs never are, or one without a density.
 */
export function reweight(options: ReweightOptions): ReweightResult {
  const { result, laws } = checkPlan(options);
  const wanted = wantedOf(options);
  const base = inputSpace(WHERE, options.inputs, options.dependence);
  checkPointsOf(base, result);
  const members = membersOf(base, laws);
  checkRatios(WHERE, members);
  const ratios = ratiosOf(members, result);
  const found = Object.keys(laws).map((name, l) => whatIf(options, wanted, name, ratios[l]!));
  return { laws: found, warnings: warningsOf(options, found) };
}

function checkPlan(options: ReweightOptions): {
  readonly result: WeightedResult;
  readonly laws: Readonly<Record<string, OtherLaw>>;
} {
  checkOptionNames(WHERE, options, Object.keys(OPTIONS));
  const { result, laws } = options;
  checkWeightedResult(WHERE, result);
  if (options.means !== undefined) checkList(WHERE, 'means', options.means, 'a list of outputs');
  if (options.quantiles !== undefined)
    checkList(WHERE, 'quantiles', options.quantiles, 'a list such as [0.05, 0.95]');
  if (options.probabilities !== undefined)
    checkRecord(
      WHERE,
      'probabilities',
      options.probabilities,
      'events by name, such as { high: { above: 1 } }',
    );
  if (laws !== undefined) checkRecord(WHERE, 'laws', laws, 'laws by name');
  const d = Object.keys(options.inputs ?? {}).length;
  if (result.sample.shape[1] !== d && d > 0)
    throw wrong('inputs', options.inputs, `laws of the ${result.sample.shape[1]} inputs that were run`);
  if (Object.keys(laws ?? {}).length === 0)
    throw wrong('laws', laws, 'at least one law by name, such as { wider: { inputs: { x: normal(0, 2) } } }');
  checkNumber(WHERE, 'level', options.level ?? 0.95, (x) => x > 0 && x < 1, 'a number between 0 and 1');
  return { result, laws };
}

function wrong(option: string, value: unknown, expected: string): OptionError {
  return new OptionError({
    where: WHERE,
    option,
    value,
    found: `option \`${option}\` is ${show(value)}`,
    expected,
  });
}

/** An output by its name in `means`. */
function checkOutput(name: string, names: readonly string[]): string {
  return checkOneOf(WHERE, 'means', name, names);
}

function estimatorOf({ result, estimator }: ReweightOptions): 'plain' | 'self-normalised' {
  const usual = hasGaps(result) ? 'self-normalised' : 'plain';
  return checkOneOf(WHERE, 'estimator', estimator ?? usual, ['plain', 'self-normalised']);
}

/** Whether weights are known with their factor: as the estimator says, or as those of points of the law itself, which are 1. */
function weightsKnown(options: ReweightOptions): boolean {
  const { result } = options;
  return (
    estimatorOf(options) === 'plain' || (!hasGaps(result) && result.sample.logWeight.every((w) => w === 0))
  );
}

function wantedOf(options: ReweightOptions): readonly Wanted[] {
  const { names } = options.result.outputs;
  const level = options.level ?? 0.95;
  const estimator = estimatorOf(options);
  const means = (options.means ?? names).map(
    (output): Wanted => ({
      name: checkOutput(output, names),
      output,
      kind: 'mean',
      of: (points, values) => estimateWith(points, meanInfluence(points, values, estimator), level),
    }),
  );
  const events = Object.entries(options.probabilities ?? {}).map(([name, event]): Wanted => {
    checkEvent(WHERE, event, names, `probabilities.${name}`);
    const inside = (y: number): number => (happens(event, y) ? 1 : 0);
    return {
      name,
      output: event.output,
      kind: 'probability',
      of: (points, values) =>
        estimateWith(points, meanInfluence(points, values.map(inside), estimator), level),
    };
  });
  const quantiles = (options.quantiles ?? []).flatMap((p) => {
    checkNumber(WHERE, 'quantiles', p, (x) => x > 0 && x < 1, 'numbers between 0 and 1');
    return names.map(
      (output): Wanted => ({
        name: `${output} ${Number((100 * p).toPrecision(6))} %`,
        output,
        kind: 'quantile',
        of: (points, values) => weightedQuantileOf(points, values, p, estimator, level),
      }),
    );
  });
  return [...means, ...events, ...quantiles];
}

/** Points that the law of the inputs never has were not drawn from it. */
function checkPointsOf({ laws, names, dimension: d }: InputSpace, { sample }: WeightedResult): void {
  laws.forEach((law, c) => {
    const [low, high] = law.support;
    sample.logWeight.forEach((w, i) => {
      const x = sample.points[i * d + c]!;
      if (w === -Infinity || (x >= low && x <= high)) return;
      throw wrong(`inputs.${names[c]}`, law, `the law that was run: point ${i} has ${names[c]} = ${x}`);
    });
  });
}

/** The law that was run, then the others. */
function membersOf(base: InputSpace, laws: Readonly<Record<string, OtherLaw>>): readonly Member[] {
  const others = Object.entries(laws).map(([name, law]): Member => {
    checkOptionNames(`${WHERE}: laws.${name}`, law, ['inputs', 'dependence']);
    for (const input of Object.keys(law.inputs ?? {}))
      checkOneOf(WHERE, `laws.${name}.inputs`, input, base.names);
    const inputs = Object.fromEntries(
      base.names.map((input, c) => [input, law.inputs?.[input] ?? base.laws[c]!]),
    );
    const space = inputSpace(WHERE, inputs, law.dependence ?? base.dependence);
    return memberOf(`laws.${name}`, space, base);
  });
  return [memberOf('inputs', base, base), ...others];
}

/** [L][n] log weights of the points under each law but the first. */
function ratiosOf(members: readonly Member[], { sample }: WeightedResult): readonly Float64Array[] {
  const [n] = sample.shape;
  const L = members.length;
  const ratio = new Float64Array(n * L);
  lawFamily(members).logRatio(sample.points, n, ratio);
  return members.slice(1).map((_, l) =>
    sample.logWeight.map((w, i) => {
      const r = ratio[i * L + l + 1]!;
      return w === -Infinity || r === -Infinity ? -Infinity : w + r;
    }),
  );
}

function whatIf(
  options: ReweightOptions,
  wanted: readonly Wanted[],
  name: string,
  logWeight: Float64Array,
): WhatIf {
  const { result, level = 0.95 } = options;
  const { points } = weightedOutput(WHERE, result, undefined, logWeight);
  const reach = reachOf(points, weightsKnown(options));
  const found = wanted.map(({ output, of }) => {
    const { points: own, values } = weightedOutput(WHERE, result, output, logWeight);
    return shownAt(of(own, values), reach);
  });
  const pick = (kind?: Wanted['kind']): IntervalEstimate => {
    const at = wanted.flatMap((each, i) => (kind === undefined || each.kind === kind ? [i] : []));
    return estimateOf(
      at.map((i) => ({ ...found[i]!, name: wanted[i]!.name })),
      level,
    );
  };
  return {
    name,
    estimate: pick(),
    mean: pick('mean'),
    probabilities: pick('probability'),
    quantiles: pick('quantile'),
    status: found.map(({ status }) => status),
    ...reach,
  };
}

/** Named estimates as columns. */
export function estimateOf(
  found: readonly (Pick<WeightedMean, 'value' | 'standardError' | 'low' | 'high'> & {
    readonly name: string;
  })[],
  level: number,
): IntervalEstimate {
  return {
    names: found.map(({ name }) => name),
    value: Float64Array.from(found, ({ value }) => value),
    standardError: Float64Array.from(found, ({ standardError }) => standardError),
    low: Float64Array.from(found, ({ low }) => low),
    high: Float64Array.from(found, ({ high }) => high),
    level,
  };
}

function warningsOf({ result }: ReweightOptions, found: readonly WhatIf[]): readonly Warning[] {
  const warnings = found.filter(({ near }) => !near).map((law) => tooFar(law.name, law));
  if (result.design === undefined)
    warnings.push({
      code: 'design-unknown',
      message:
        'The result does not say how its points are randomised, so nothing has an interval. Give `design` with it.',
    });
  return warnings;
}
