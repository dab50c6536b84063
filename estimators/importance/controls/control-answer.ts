import { show } from '../../../engine/check.ts';
import { studentT } from '../../../engine/distribution/student-t.ts';
import { ValueError } from '../../../engine/errors.ts';
import { toldPlace } from '../../../engine/model/place.ts';
import type { Ending } from '../../../engine/sampler.ts';
import type { IntervalEstimate, Warning } from '../../../engine/types.ts';
import { type Interval, toEstimate, withoutInterval } from '../plain/output-intervals.ts';
import { type PointRunState, runInfo } from '../plain/point-run.ts';
import { type ControlBasis, controlBasis } from './control-basis.ts';
import type { ControlPlan } from './control-plan.ts';
import type { ControlVariatesResult, PointValueOf } from './control-variates-types.ts';
import { type ControlDesign, controlled, equalParts } from './controlled-mean.ts';

/** Chance that a control with its right mean is told to be off. */
const FALSE_ALARM = 1e-4;
const FOLDS = 10;

/** What one wanted number turned out to be. */
interface Found {
  readonly name: string;
  readonly interval: Interval;
  readonly plain: Interval;
  readonly coefficients: Float64Array;
  readonly rSquared: number;
  readonly varianceReduction: number;
}

/** The answer from the points evaluated so far. */
export function controlAnswer(
  where: string,
  state: PointRunState,
  { outcome, provenance }: Ending,
  plan: ControlPlan,
): ControlVariatesResult {
  const { points, controls } = plan;
  const { evaluator, done } = state;
  const { outputs } = evaluator;
  const rows = rowsOf(where, state, plan);
  const design = designOf(plan, rows.n);
  const means = Float64Array.from(controls, ({ mean }) => mean);
  const columns = controls.map(({ name, of }) => rows.column(of, `control \`${name}\``));
  // With too few points so far the means are plain.
  const fitted = rows.n >= controls.length + 3;
  const basis = controlBasis(fitted ? columns : [], fitted ? means : [], rows.n);
  const bare = controlBasis([], [], rows.n);
  const found = [
    ...outputs.map((name, j) => meanOf(name, rows.output(j), basis, bare, design)),
    ...plan.ratios.map(([name, { numerator, denominator }]) =>
      ratioOf(name, rows.column(numerator, name), rows.column(denominator, name), basis, bare, design),
    ),
  ];
  const estimate = (of: (one: Found) => Interval): IntervalEstimate =>
    toEstimate(
      found.map(({ name }) => name),
      found.map(of),
      points.level,
    );
  const score = controlScores(columns, means, design, rows.n);
  const warnings = [...points.warnings, ...warningsOf(plan, score, rows.n, basis, design)];
  return {
    estimate: estimate(({ interval }) => interval),
    plain: estimate(({ plain }) => plain),
    controls: { names: controls.map(({ name }) => name), mean: means, score },
    coefficients: Float64Array.from(
      found.flatMap(({ coefficients }) => [...padded(coefficients, controls.length)]),
    ),
    rSquared: Float64Array.from(found, ({ rSquared }) => rSquared),
    varianceReduction: Float64Array.from(found, ({ varianceReduction }) => varianceReduction),
    rank: basis.rank,
    lossFactor: (rows.n - 2) / (rows.n - basis.rank - 2),
    unbiased: design.folds !== undefined,
    outputs: { names: [...outputs], values: state.y.slice(0, done * outputs.length) },
    sample: {
      points: state.x.slice(0, done * points.space.dimension),
      shape: [done, points.space.dimension],
      logWeight: new Float64Array(done),
    },
    outcome,
    diagnostics: runInfo(state, points, warnings),
    provenance: toldPlace(provenance, evaluator.place),
    failures: [...state.failures],
    failed: state.failed,
  };
}

function padded(coefficients: Float64Array, p: number): Float64Array {
  return coefficients.length === p ? coefficients : new Float64Array(p);
}

interface Rows {
  /** Rows that count: whole replicates once there are two. */
  readonly n: number;
  /** The values of a function of the point at these rows. */
  column(of: PointValueOf, what: string): Float64Array;
  /** The values of output j at these rows: by number, as an input may have its name. */
  output(j: number): Float64Array;
}

function rowsOf(where: string, { x, y, done, evaluator }: PointRunState, { points }: ControlPlan): Rows {
  const { space, perReplicate, design } = points;
  const d = space.dimension;
  const k = evaluator.outputs.length;
  const whole = Math.floor(done / perReplicate);
  const n = design !== 'iid' && whole >= 2 ? whole * perReplicate : done;
  const output = (j: number): Float64Array => Float64Array.from({ length: n }, (_, i) => y[i * k + j]!);
  const named = (name: string): Float64Array => {
    const input = space.names.indexOf(name);
    if (input < 0) return output(evaluator.outputs.indexOf(name));
    return Float64Array.from({ length: n }, (_, i) => x[i * d + input]!);
  };
  const column = (of: PointValueOf, what: string): Float64Array => {
    if (typeof of === 'string') return named(of);
    const values = new Float64Array(n);
    const outputs = new Float64Array(k);
    const inputs = new Float64Array(d);
    for (let i = 0; i < n; i++) {
      outputs.set(y.subarray(i * k, (i + 1) * k));
      inputs.set(x.subarray(i * d, (i + 1) * d));
      const value: unknown = of(outputs, inputs);
      if (typeof value !== 'number' || !Number.isFinite(value))
        throw notFinite(where, what, value, inputs, i);
      values[i] = value;
    }
    return values;
  };
  return { n, column, output };
}

function notFinite(
  where: string,
  what: string,
  value: unknown,
  point: Float64Array,
  index: number,
): ValueError {
  const found = `${what} is ${show(value)} at point ${index}`;
  return new ValueError({ where, found, expected: 'a finite number', point: point.slice(), index });
}

/** Replicates of a net, or tenths of independent points. A net of which less than two replicates are done has no error. */
function designOf({ points, crossFit }: ControlPlan, n: number): ControlDesign {
  const { level, perReplicate, design } = points;
  if (design === 'iid') {
    const folds = crossFit ? equalParts(n, Math.min(FOLDS, n)) : undefined;
    return { folds, replicates: undefined, level };
  }
  const whole = Math.max(1, Math.floor(n / perReplicate));
  const replicates = equalParts(n, whole);
  return { folds: crossFit && whole >= 2 ? replicates : undefined, replicates, level };
}

function meanOf(
  name: string,
  y: Float64Array,
  basis: ControlBasis,
  bare: ControlBasis,
  design: ControlDesign,
): Found {
  const own = controlled(y, basis, design);
  const plain = controlled(y, bare, design);
  return {
    name,
    interval: own,
    plain,
    coefficients: own.coefficients,
    rSquared: own.rSquared,
    varianceReduction: reduction(own.varianceReduction, own, plain, design),
  };
}

function reduction(byPoints: number, own: Interval, plain: Interval, { replicates }: ControlDesign): number {
  return replicates === undefined ? byPoints : (plain.standardError / own.standardError) ** 2;
}

/**
 * r = E[y] / E[w], both by the same controls; its error is that of the mean of y - r w, over |E[w]|. No interval where that
 * of E[w] holds 0: the ratio may then be anything.
 */
function ratioOf(
  name: string,
  top: Float64Array,
  bottom: Float64Array,
  basis: ControlBasis,
  bare: ControlBasis,
  design: ControlDesign,
): Found {
  const over = (
    on: ControlBasis,
  ): { interval: Interval; linear: ReturnType<typeof controlled>; scale: number } => {
    const scale = controlled(bottom, on, design);
    const value = controlled(top, on, design).value / scale.value;
    const linear = controlled(
      top.map((y, i) => y - value * bottom[i]!),
      on,
      design,
    );
    const size = Math.abs(scale.value);
    const half = (linear.high - linear.low) / 2 / size;
    const told = !(scale.low <= 0 && scale.high >= 0) && linear.standardError > 0;
    const interval = told
      ? { value, standardError: linear.standardError / size, low: value - half, high: value + half }
      : withoutInterval(value);
    return { interval, linear, scale: scale.value };
  };
  const own = over(basis);
  const plain = over(bare);
  return {
    name,
    interval: own.interval,
    plain: plain.interval,
    coefficients: own.linear.coefficients.map((beta) => beta / own.scale),
    rSquared: own.linear.rSquared,
    varianceReduction: reduction(own.linear.varianceReduction, own.interval, plain.interval, design),
  };
}

/** (mean - known mean) / standard error of each control by itself; NaN where there is no error. */
function controlScores(
  columns: readonly Float64Array[],
  means: Float64Array,
  design: ControlDesign,
  n: number,
): Float64Array {
  const bare = controlBasis([], [], n);
  const plain = { ...design, folds: undefined };
  return Float64Array.from(columns, (column, j) => {
    const { value, standardError } = controlled(column, bare, plain);
    const constant = column.every((c) => c === column[0]);
    if (constant) return column[0] === means[j] ? 0 : Infinity;
    return (value - means[j]!) / standardError;
  });
}

function warningsOf(
  { controls }: ControlPlan,
  score: Float64Array,
  n: number,
  { rank }: ControlBasis,
  { replicates }: ControlDesign,
): readonly Warning[] {
  const warnings: Warning[] = [];
  const degrees = (replicates === undefined ? n : replicates.length - 1) - 1;
  const limit = degrees < 1 ? Infinity : studentT(degrees).quantile(1 - FALSE_ALARM / 2);
  controls.forEach(({ name, mean }, j) => {
    if (!(Math.abs(score[j]!) > limit)) return;
    warnings.push({
      code: 'control-mean-off',
      message: `control ${name}: its points are ${Math.abs(score[j]!).toPrecision(3)} standard errors off the mean ${Number(mean.toPrecision(6))} that was given. If that mean is wrong, so are the results.`,
      value: Math.abs(score[j]!),
      threshold: limit,
    });
  });
  if (rank < controls.length && n >= controls.length + 3) {
    warnings.push({
      code: 'controls-redundant',
      message: `${controls.length - rank} of ${controls.length} controls are constant or sums of the others, and were left out. Results are not affected.`,
      value: rank,
      threshold: controls.length,
    });
  }
  if (replicates !== undefined && replicates.length < 3) {
    warnings.push({
      code: 'one-replicate',
      message:
        'With one randomisation there is no standard error. Use replicates: 8 for intervals (slightly less sharp).',
      value: 1,
      threshold: 2,
    });
  }
  return warnings;
}
