import { checkCount, checkNumber, checkOneOf, show } from '../../engine/check.ts';
import { type InputSpace, inputDigest, inputSpace } from '../../engine/distribution/inputs.ts';
import { OptionError } from '../../engine/errors.ts';
import { ESTIMATORS } from '../../engine/math/sobol-estimators.ts';
import { checkOutputs } from '../../engine/model/evaluator.ts';
import { checkMissing, type MissingPolicy } from '../../engine/model/missing.ts';
import { SOBOL_DIMENSIONS } from '../../engine/random/directions.ts';
import { checkPoints, type PointPlan } from '../../engine/random/point-plan.ts';
import type { Warning } from '../../engine/types.ts';
import { checkGroups, type Groups } from './groups.ts';
import { type Layout, layOut } from './layout.ts';
import type {
  AnalysisOptions,
  BootstrapName,
  DesignName,
  DesignOptions,
  EstimatorName,
  IntervalName,
} from './types.ts';

/** Checked design options with their defaults. */
export interface DesignPlan {
  readonly where: string;
  readonly space: InputSpace;
  readonly groups: Groups;
  readonly design: DesignName;
  readonly points: PointPlan;
  readonly secondOrder: boolean;
  readonly estimator: EstimatorName;
  readonly layout: Layout;
  /** What must agree between a snapshot and the run that goes on from it; the number of points may grow. */
  readonly fingerprint: string;
  /** Tells kernels apart; undefined for other models. */
  readonly kernel: string | undefined;
}

/** Checked analysis options with their defaults. */
export interface AnalysisPlan {
  readonly outputs: readonly string[] | undefined;
  readonly interval: IntervalName;
  readonly bootstrap: BootstrapName;
  readonly resamples: number;
  readonly level: number;
  readonly missing: MissingPolicy;
  /** For 'oracle' only: its number is checked again when the model has told its outputs. */
  readonly means: readonly number[] | undefined;
  /** Known before any work: an interval that is not valid on these points. */
  readonly warnings: readonly Warning[];
}

const DESIGNS: readonly DesignName[] = ['sobol', 'lhs', 'iid'];
const INTERVALS: readonly IntervalName[] = ['replicates', 'asymptotic', 'bootstrap', 'none'];
const BOOTSTRAPS: readonly BootstrapName[] = ['normal', 'percentile', 'basic', 'bca'];

/**
 * `kernel` tells kernels apart, as `kernelDigest` does.
 * @throws OptionError for the first option that cannot be used.
 */
export function planDesign(where: string, options: DesignOptions, kernel?: string): DesignPlan {
  const space = inputSpace(where, options.inputs, options.dependence);
  const groups = checkGroups(where, space, options.groups);
  const design = checkOneOf(where, 'design', options.design ?? 'sobol', DESIGNS);
  const secondOrder = options.secondOrder ?? false;
  const pairs = secondOrder && groups.names.length > 2;
  const estimator = checkOneOf(
    where,
    'estimator',
    options.estimator ?? (pairs ? 'azzini' : 'saltelli'),
    ESTIMATORS,
  );
  if (estimator === 'owen' && (secondOrder || options.superset)) throw owenAlone(where, secondOrder);
  checkDimension(where, design, space.dimension, estimator);
  const layout = layOut(where, space, groups, estimator, pairs, options);
  const { points: asked, replicates } = options;
  const points = checkPoints(where, design, { points: asked, replicates, usual: design === 'sobol' ? 8 : 1 });
  const blocks = layout.blocks.map(({ base, from, columns }) => `${base}${from}${columns.join(',')}`);
  return {
    where,
    space,
    groups,
    design,
    points,
    secondOrder,
    estimator,
    layout,
    fingerprint: JSON.stringify([design, points.replicates, inputDigest(space), blocks]),
    kernel,
  };
}

/** @throws OptionError for the first option that cannot be used. */
export function planAnalysis(design: DesignPlan, options: AnalysisOptions): AnalysisPlan {
  const { where } = design;
  // Replicates are valid for any design; on independent points the asymptotic interval is valid too, and sharper.
  const replicated = design.points.replicates > 1 && design.design !== 'iid';
  const byDefault = replicated ? 'replicates' : design.design === 'sobol' ? 'none' : 'asymptotic';
  const interval = checkOneOf(where, 'interval', options.interval ?? byDefault, INTERVALS);
  checkOutputs(where, options.outputs);
  const bootstrap = checkOneOf(where, 'bootstrap', options.bootstrap ?? 'percentile', BOOTSTRAPS);
  const level = checkNumber(
    where,
    'level',
    options.level ?? 0.95,
    (x) => x > 0 && x < 1,
    'a number between 0 and 1',
  );
  // Ends that are order statistics need one resample in each tail.
  const fewest = bootstrap === 'normal' ? 2 : Math.max(2, Math.ceil(2 / (1 - level) - 1e-9));
  const means = design.estimator === 'oracle' ? options.means : undefined;
  if (design.estimator === 'oracle') {
    checkMeans(where, means, options.outputs?.length ?? Math.max(1, means?.length ?? 1));
  }
  return {
    outputs: options.outputs,
    interval,
    bootstrap,
    resamples: checkCount(where, 'resamples', options.resamples ?? Math.max(1000, fewest), {
      min: interval === 'bootstrap' ? fewest : 2,
      max: 2 ** 24,
    }),
    level,
    missing: checkMissing(where, options.missing ?? 'error'),
    means,
    warnings: invalidInterval(design.design, interval),
  };
}

function invalidInterval(design: DesignName, interval: IntervalName): readonly Warning[] {
  if (design !== 'sobol' || (interval !== 'asymptotic' && interval !== 'bootstrap')) return [];
  return [
    {
      code: 'interval-not-valid',
      message: `The ${interval} interval assumes independent points. On Sobol' points it is mostly several times too wide and sometimes too narrow. Use interval: 'replicates'.`,
    },
  ];
}

function checkDimension(where: string, design: DesignName, d: number, estimator: EstimatorName): void {
  const matrices = estimator === 'owen' ? 3 : 2;
  if (design !== 'sobol' || matrices * d <= SOBOL_DIMENSIONS) return;
  throw new OptionError({
    where,
    option: 'inputs',
    value: d,
    found: `there are ${d} inputs, which take ${matrices * d} Sobol' coordinates`,
    expected: `at most ${Math.floor(SOBOL_DIMENSIONS / matrices)} inputs for design 'sobol'`,
    fix: "Use design: 'lhs'.",
  });
}

function owenAlone(where: string, secondOrder: boolean): OptionError {
  const option = secondOrder ? 'secondOrder' : 'superset';
  return new OptionError({
    where,
    option,
    value: true,
    found: `option \`${option}\` is set with estimator 'owen', whose design has no pairs of inputs`,
    expected: 'one of the two',
    fix: "Use estimator: 'azzini' for pairs.",
  });
}

/** @throws OptionError unless there is one finite mean for each output. */
export function checkMeans(where: string, means: readonly number[] | undefined, outputs: number): void {
  if (means !== undefined && means.length === outputs && means.every(Number.isFinite)) return;
  throw new OptionError({
    where,
    option: 'means',
    value: means,
    found: means === undefined ? 'option `means` is missing' : `option \`means\` is ${show(means)}`,
    expected: `${outputs} known mean${outputs === 1 ? '' : 's'}, one an output, for estimator 'oracle'`,
  });
}

/** When to double the points. */
export interface GrowthPlan {
  /** Half-width wanted for every total index; undefined: never double. */
  readonly until: number | undefined;
  readonly maxPoints: number;
}

/** @throws OptionError for a target that cannot be reached by doubling. */
export function planGrowth(
  design: DesignPlan,
  plan: AnalysisPlan,
  options: { readonly until?: number; readonly maxPoints?: number },
): GrowthPlan {
  const { where } = design;
  const maxPoints = checkCount(where, 'maxPoints', options.maxPoints ?? 2 ** 22, { min: 2, max: 2 ** 53 });
  const { until } = options;
  if (until === undefined) return { until, maxPoints };
  checkNumber(where, 'until', until, (x) => x > 0, 'a half-width above 0');
  const reason =
    design.design === 'lhs'
      ? "with design 'lhs', which cannot be extended"
      : plan.interval === 'none' || (plan.interval === 'replicates' && design.points.replicates === 1)
        ? 'without intervals to judge it by'
        : undefined;
  if (reason === undefined) return { until, maxPoints };
  throw new OptionError({
    where,
    option: 'until',
    value: until,
    found: `option \`until\` is set ${reason}`,
    expected: "design 'sobol' with at least two replicates, or 'iid'",
  });
}
