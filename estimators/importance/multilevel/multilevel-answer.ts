import { studentT } from '../../../engine/distribution/student-t.ts';
import { toldPlace } from '../../../engine/model/place.ts';
import type { Ending, Info } from '../../../engine/sampler.ts';
import type { Outcome, Warning } from '../../../engine/types.ts';
import { toEstimate } from '../plain/output-intervals.ts';
import { consistency, correctionVariance, kurtosis, type LevelMoments } from './level-moments.ts';
import { decay, remainingBias } from './level-rates.ts';
import type { MultilevelPlan } from './multilevel-plan.ts';
import type { LevelState, MultilevelState } from './multilevel-state.ts';
import type { LevelReport, MultilevelResult } from './multilevel-types.ts';

/** Kurtosis above which a thousand samples do not tell a variance; Giles (2015), section 3.2. */
const HIGH_KURTOSIS = 100;
/** Var(P_l - P_{l-1}) / Var(P_l); 2 where the two share no noise. */
const WEAK_COUPLING = 0.5;

/** Progress in samples; the total is what is planned so far. */
export function levelsInfo({ levels }: MultilevelState, warnings: readonly Warning[]): Info {
  const sum = (of: (own: LevelState) => number): number => levels.reduce((total, own) => total + of(own), 0);
  const done = sum(({ moments }) => moments.n);
  const evaluations = sum(({ evaluator }) => evaluator.evaluations);
  return { ess: done, evaluations, warnings, done, total: sum(({ target }) => target) };
}

/** The answer from the levels that have two samples and more, from level 0 on. */
export function multilevelAnswer(
  state: MultilevelState,
  { outcome, provenance }: Ending,
  plan: MultilevelPlan,
): MultilevelResult {
  const few = state.levels.findIndex(({ moments }) => moments.n < 2);
  const used = few < 0 ? state.levels : state.levels.slice(0, few);
  const moments = used.map((own) => own.moments);
  const costs = used.map(({ level }) => level.cost);
  const seen = decay(moments, costs, plan.known);
  const bias = plan.bias === undefined ? Number.NaN : remainingBias(seen);
  const value = moments.reduce((total, { mean }) => total + mean, 0);
  const variance = moments.reduce((total, own) => total + correctionVariance(own) / own.n, 0);
  const whole = few < 0 || plan.bias !== undefined;
  const reports = moments.map((own, l) => report(l, own, moments[l - 1], costs[l]!));
  const last = reports.at(-1);
  const rms = Math.sqrt(variance + (Number.isNaN(bias) ? 0 : bias * bias));
  const warnings = warningsOf(state, reports, plan, bias);
  return {
    estimate: toEstimate(
      ['mean'],
      [interval(value, moments, plan, whole ? bias : Number.NaN, whole)],
      plan.confidence,
    ),
    error: { variance, bias, rms },
    rates: seen.rates,
    levels: reports,
    cost: moments.reduce((total, { n }, l) => total + n * costs[l]!, 0),
    plainCost: last === undefined ? Number.NaN : (last.fineVariance / variance) * last.cost,
    unbiased: plan.samples !== undefined && few < 0,
    sample: { points: new Float64Array(0), shape: [0, 0], logWeight: new Float64Array(0) },
    outcome: ended(outcome, state, warnings),
    diagnostics: levelsInfo(state, warnings),
    provenance: toldPlace(provenance, state.levels.at(-1)!.evaluator.place),
  };
}

/**
 * Student's with the degrees of freedom of Satterthwaite, and the bias on both sides where there is one. No interval where
 * a level never varied: what it has not seen may be large.
 */
function interval(
  value: number,
  moments: readonly LevelMoments[],
  plan: MultilevelPlan,
  bias: number,
  whole: boolean,
): { value: number; standardError: number; low: number; high: number } {
  const parts = moments.map((own) => correctionVariance(own) / own.n);
  const variance = parts.reduce((a, b) => a + b, 0);
  const standardError =
    parts.every((part) => part > 0) && parts.length > 0 ? Math.sqrt(variance) : Number.NaN;
  const margin = plan.bias === undefined ? 0 : bias;
  const known = whole && Number.isFinite(standardError) && Number.isFinite(margin);
  if (!known) return { value, standardError, low: Number.NaN, high: Number.NaN };
  const spread = parts.reduce((total, part, l) => total + part ** 2 / (moments[l]!.n - 1), 0);
  const half = studentT(variance ** 2 / spread).quantile((1 + plan.confidence) / 2) * standardError + margin;
  return { value, standardError, low: value - half, high: value + half };
}

function report(
  level: number,
  own: LevelMoments,
  below: LevelMoments | undefined,
  cost: number,
): LevelReport {
  return {
    level,
    samples: own.n,
    cost,
    mean: own.mean,
    variance: correctionVariance(own),
    fineMean: own.fineMean,
    fineVariance: own.fineSum2 / (own.n - 1),
    kurtosis: kurtosis(own),
    consistency: below === undefined ? Number.NaN : consistency(below, own),
  };
}

/** Levels that contradict each other, or a bias that is left, make a number that is not to be trusted. */
function ended(outcome: Outcome, { levels, end }: MultilevelState, warnings: readonly Warning[]): Outcome {
  const trouble = warnings.find(
    ({ code }) => code === 'levels-inconsistent' || code === 'accuracy-not-reached',
  );
  if (trouble === undefined || end === 'open') return outcome;
  return {
    kind: 'degenerate',
    ess: levels.reduce((total, { moments }) => total + moments.n, 0),
    message: trouble.message,
  };
}

function warningsOf(
  { end, levels }: MultilevelState,
  reports: readonly LevelReport[],
  plan: MultilevelPlan,
  bias: number,
): readonly Warning[] {
  const told = [
    inconsistent(reports),
    unseen(reports),
    rough(reports),
    weak(reports),
    stopped(end, levels.length - 1, plan, bias),
  ];
  return told.filter((warning) => warning !== undefined);
}

/** The report with the largest value of something, above a limit. */
function worst(
  reports: readonly LevelReport[],
  of: (one: LevelReport) => number,
  limit: number,
): LevelReport | undefined {
  return reports
    .filter((one) => of(one) >= limit)
    .reduce<LevelReport | undefined>(
      (best, one) => (best === undefined || of(one) > of(best) ? one : best),
      undefined,
    );
}

function inconsistent(reports: readonly LevelReport[]): Warning | undefined {
  const found = worst(reports, (one) => one.consistency, 1);
  if (found === undefined) return undefined;
  const { level, consistency: value } = found;
  return {
    code: 'levels-inconsistent',
    message: `The coarse values of level ${level} do not have the mean that level ${level - 1} has (${value.toPrecision(3)} times what chance explains), so the sum of the levels is wrong. Look for noise that is not added up as level ${level - 1} draws it.`,
    value,
    threshold: 1,
  };
}

function unseen(reports: readonly LevelReport[]): Warning | undefined {
  const found = reports.find(({ variance }) => variance === 0);
  if (found === undefined) return undefined;
  return {
    code: 'correction-unseen',
    message: `All ${found.samples} samples of level ${found.level} gave the same, so its error is not known and there is no interval. Use a larger pilot.`,
    value: found.level,
  };
}

function rough(reports: readonly LevelReport[]): Warning | undefined {
  const found = worst(reports, (one) => one.kurtosis, HIGH_KURTOSIS);
  if (found === undefined) return undefined;
  return {
    code: 'kurtosis-high',
    message: `A few of the ${found.samples} samples of level ${found.level} carry its variance (kurtosis ${found.kurtosis.toPrecision(3)}), so errors are rough. Use a larger pilot, or a smoother quantity.`,
    value: found.kurtosis,
    threshold: HIGH_KURTOSIS,
  };
}

function weak(reports: readonly LevelReport[]): Warning | undefined {
  const ratio = ({ level, variance, fineVariance }: LevelReport): number =>
    level === 0 ? Number.NaN : variance / fineVariance;
  const found = worst(reports, ratio, WEAK_COUPLING);
  if (found === undefined) return undefined;
  return {
    code: 'coupling-weak',
    message: `On level ${found.level} fine minus coarse varies ${ratio(found).toPrecision(3)} times as much as fine alone: the levels below are little help. Both must use the same noise, or the coarsest level is too coarse.`,
    value: ratio(found),
    threshold: WEAK_COUPLING,
  };
}

function stopped(
  end: MultilevelState['end'],
  level: number,
  plan: MultilevelPlan,
  bias: number,
): Warning | undefined {
  if (end === 'bias') {
    return {
      code: 'accuracy-not-reached',
      message: `At level ${level}, the deepest allowed, a bias of ${Number.isNaN(bias) ? 'unknown size' : `about ${bias.toPrecision(2)}`} is left, and ${plan.bias!.toPrecision(2)} was wanted. Allow deeper levels, or ask for less accuracy.`,
      value: bias,
      threshold: plan.bias!,
    };
  }
  if (end !== 'samples') return undefined;
  return {
    code: 'accuracy-not-reached',
    message:
      'A level would need more than 2^32 samples for the accuracy that was asked for. Ask for less accuracy.',
    value: Number.POSITIVE_INFINITY,
  };
}
