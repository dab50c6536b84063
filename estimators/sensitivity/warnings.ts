import { spaced } from '../../engine/check.ts';
import { roundedInputs, roundedOutputs } from '../../engine/model/single-precision.ts';
import type { IntervalEstimate, Warning } from '../../engine/types.ts';
import type { Answer } from './answer.ts';
import type { Finding } from './finding.ts';
import type { OutputIndices } from './types.ts';

/** Widest half-width that a ranking can do with. */
const WIDE = 0.05;
/**
 * Half-widths of evidence before an index is called negative, or a total index below its first-order one. A table has
 * many entries: plain 95 % intervals of indices that are 0 would raise an alarm in every second run of 20 inputs.
 */
const ALARM = 3;
/** The replicates that a message proposes: the default of a run with enough points. */
const REPLICATES = 8;
/** Points to begin with, proposed to a run of a few. */
const ENOUGH = 1024;
/** Share of the variance carried by one point. */
const HEAVY = 0.1;
const LONGEST = 240;
/** Everything worth saying about a result, one warning a code, over all outputs. */
export function resultWarnings(
  finding: Finding,
  answer: Answer,
  outputs: readonly OutputIndices[],
  main: OutputIndices,
): readonly Warning[] {
  const { design, analysis } = finding;
  const found = [
    ...design.points.warnings,
    ...analysis.plan.warnings,
    oneReplicate(finding, answer),
    rowsDropped(finding, answer),
    constantOutput(finding, outputs),
    noVariance(finding, outputs),
    negative(outputs),
    totalBelowFirst(outputs),
    intervalWide(answer, main),
    targetNotReached(finding, main),
    heavyOutput(outputs, answer.points),
    float32Rounding(finding, outputs),
  ];
  return found.filter((warning) => warning !== undefined).map(shortened);
}

/** Names may be long; a message is not. */
function shortened(warning: Warning): Warning {
  if (warning.message.length <= LONGEST) return warning;
  return { ...warning, message: `${warning.message.slice(0, LONGEST - 3)}...` };
}

function oneReplicate({ design, ready, analysis }: Finding, answer: Answer): Warning | undefined {
  const none = answer.interval === 'none' && design.design === 'sobol';
  if (answer.interval !== 'replicates' && !none) return undefined;
  const { replicates, total } = design.points;
  if (replicates === 1) {
    const lead = `With one ${design.design === 'sobol' ? 'scramble' : 'replicate'} there is no standard error`;
    return {
      code: 'one-replicate',
      message:
        total < 2 * REPLICATES
          ? `${lead}, and ${spaced(total)} points are too few for more. Use ${spaced(ENOUGH)} points.`
          : `${lead}. Use --replicates ${REPLICATES} for intervals (slightly less sharp).`,
      value: 1,
      threshold: 2,
    };
  }
  if (analysis.plan.interval === 'none' || ready.complete >= 2) return undefined;
  return {
    code: 'one-replicate',
    message: `${ready.complete === 0 ? 'None' : 'Only one'} of ${replicates} replicates is complete; there is no standard error with fewer than two. Let the run go on.`,
    value: ready.complete,
    threshold: 2,
  };
}

function rowsDropped({ ready, filled, analysis }: Finding, answer: Answer): Warning | undefined {
  if (ready.dropped === 0) return undefined;
  const rows = filled.reduce((sum, n) => sum + n, 0);
  const percent = Number(((100 * ready.dropped) / rows).toPrecision(2));
  const other =
    answer.interval === analysis.plan.interval
      ? ''
      : ` Intervals are ${answer.interval} instead: gaps spoil replicates.`;
  return {
    code: 'rows-dropped',
    message: `${spaced(ready.dropped)} of ${spaced(rows)} rows (${percent} %) were left out because the model failed there; results describe the inputs where it works. The points are listed in \`failures\`.${other}`,
    value: ready.dropped,
    threshold: 0,
  };
}

function constantOutput({ place }: Finding, outputs: readonly OutputIndices[]): Warning | undefined {
  const constant = outputs.filter((output) => output.constant);
  const first = constant[0];
  if (first === undefined) return undefined;
  const which = outputs.length === 1 ? 'The output' : `Output ${first.name}${others(constant.length - 1)}`;
  const value = Number(first.mean.toPrecision(6));
  // On a card a small change beside a large value is rounded away, and then the ranges are not to blame.
  const [seen, fix] =
    place.card === undefined
      ? ['', 'Check the ranges of the inputs.']
      : [' as float32', "Run it with backend: 'wasm', or check the ranges."];
  return {
    code: 'constant-output',
    message: `${which} never changed (always ${value}${seen}), so there is no variance to share out: all indices are n/a. ${fix}`,
    value: first.mean,
  };
}

/** Indices that are n/a though the output varies: a replicate, or A and B, saw only one value. */
function noVariance({ design }: Finding, outputs: readonly OutputIndices[]): Warning | undefined {
  const blank = outputs.filter(
    ({ constant, totalOrder }) => !constant && totalOrder.value.some(Number.isNaN),
  );
  const first = blank[0];
  if (first === undefined) return undefined;
  const { replicates } = design.points;
  const which = outputs.length === 1 ? 'The output' : `Output ${first.name}${others(blank.length - 1)}`;
  const where = replicates === 1 ? 'the base points show' : `one of the ${replicates} replicates shows`;
  return {
    code: 'no-variance',
    message: `${which} changes so rarely that ${where} no change at all: there is no variance to share out, and indices are n/a. Use more points.`,
    value: replicates,
  };
}

function others(count: number): string {
  return count === 0 ? '' : ` (and ${count} other${count === 1 ? '' : 's'})`;
}

/** An index and where it stands. */
interface Entry {
  readonly label: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

function entriesOf(outputs: readonly OutputIndices[], of: 'firstOrder' | 'totalOrder'): readonly Entry[] {
  const symbol = of === 'firstOrder' ? 'S1' : 'ST';
  return outputs.flatMap((output) => {
    const { names, value, low, high }: IntervalEstimate = output[of];
    const where = outputs.length === 1 ? '' : ` (${output.name})`;
    return names.map((name, i) => ({
      label: `${symbol} of ${name}${where}`,
      value: value[i]!,
      low: low[i]!,
      high: high[i]!,
    }));
  });
}

/** The most negative index; one far below 0 is an alarm and takes precedence. */
function negative(outputs: readonly OutputIndices[]): Warning | undefined {
  const below = [...entriesOf(outputs, 'firstOrder'), ...entriesOf(outputs, 'totalOrder')]
    .filter(({ value }) => value < 0)
    .sort((p, q) => p.value - q.value);
  const alarms = below.filter(({ value, high }) => value + ALARM * (high - value) <= 0);
  const worst = alarms[0] ?? below[0];
  if (worst === undefined) return undefined;
  const value = short(worst.value);
  if (alarms.length > 0) {
    return {
      code: 'negative-index-significant',
      message: `${worst.label} is ${value}${others(alarms.length - 1)}, and its interval [${short(worst.low)}, ${short(worst.high)}] excludes 0. Chance does not do this: check that outputs stand in the order of the design, and that the model gives the same answer twice.`,
      value: worst.value,
      threshold: 0,
    };
  }
  const held = Number.isNaN(worst.high)
    ? 'It has no interval'
    : worst.high >= 0
      ? 'Its interval holds 0'
      : 'Its interval nearly holds 0';
  return {
    code: 'negative-index',
    message: `${worst.label} is ${value}${others(below.length - 1)}; indices cannot be negative. ${held}: read it as 0.`,
    value: worst.value,
    threshold: 0,
  };
}

function totalBelowFirst(outputs: readonly OutputIndices[]): Warning | undefined {
  const first = entriesOf(outputs, 'firstOrder');
  const total = entriesOf(outputs, 'totalOrder');
  const apart = first
    .map((s, i) => ({ s, t: total[i]! }))
    .filter(({ s, t }) => s.value - t.value > (ALARM / 2) * (s.high - s.value + t.high - t.value))
    .sort((p, q) => p.t.value - p.s.value - (q.t.value - q.s.value));
  const worst = apart[0];
  if (worst === undefined) return undefined;
  return {
    code: 'total-below-first',
    message: `${worst.t.label} (${short(worst.t.value)}) lies below its S1 (${short(worst.s.value)})${others(apart.length - 1)} by more than their intervals allow. Check that outputs stand in the order of the design, and that the model gives the same answer twice.`,
    value: worst.t.value,
    threshold: worst.s.value,
  };
}

/** The widest interval of the total indices. */
function widestOf({ totalOrder }: OutputIndices): { readonly value: number; readonly half: number } {
  let widest = { value: Number.NaN, half: 0 };
  totalOrder.value.forEach((value, i) => {
    const half = (totalOrder.high[i]! - totalOrder.low[i]!) / 2;
    if (half > widest.half) widest = { value, half };
  });
  return widest;
}

/** Half-widths shrink like 1/sqrt n at worst; Sobol' points usually do better. Advice is a power of two. */
function intervalWide(answer: Answer, main: OutputIndices): Warning | undefined {
  const { value, half } = widestOf(main);
  if (half <= WIDE) return undefined;
  const points = 2 ** Math.ceil(Math.log2(answer.points) + 2 * Math.log2(half / (WIDE / 2)));
  const reached = half / Math.sqrt(points / answer.points);
  return {
    code: 'interval-wide',
    message: `The widest interval is ${value.toFixed(2)} +/- ${half.toFixed(2)}, wider than a ranking needs (${WIDE}). ${spaced(points)} points would bring it to about ${reached.toFixed(2)}.`,
    value: half,
    threshold: WIDE,
  };
}

function targetNotReached({ until, filled }: Finding, main: OutputIndices): Warning | undefined {
  const { half } = widestOf(main);
  if (until === undefined || half <= until) return undefined;
  const points = filled.reduce((sum, n) => sum + n, 0);
  return {
    code: 'target-not-reached',
    message: `Doubling ended at ${spaced(points)} points with a widest interval of +/- ${Number(half.toPrecision(2))}, above the target ${until}. Allow more with maxPoints, or ask for less.`,
    value: half,
    threshold: until,
  };
}

function heavyOutput(outputs: readonly OutputIndices[], points: number): Warning | undefined {
  const heavy = outputs.filter(({ largestShare }) => largestShare > HEAVY);
  const worst = [...heavy].sort((p, q) => q.largestShare - p.largestShare)[0];
  if (worst === undefined || points < 100) return undefined;
  const which = outputs.length === 1 ? '' : ` of ${worst.name}${others(heavy.length - 1)}`;
  return {
    code: 'heavy-output',
    message: `1 point of ${spaced(points)} carries ${Math.round(100 * worst.largestShare)} % of the variance${which} (warned above 10 %). Indices describe that tail; consider the logarithm of the output.`,
    value: worst.largestShare,
    threshold: HEAVY,
  };
}

function float32Rounding({ place, design }: Finding, outputs: readonly OutputIndices[]): Warning | undefined {
  const varying = outputs.map(({ name, mean, variance, constant }) => ({
    name,
    mean,
    variance: constant ? Number.NaN : variance,
  }));
  return (
    roundedInputs(place, design.space) ??
    roundedOutputs(place, varying, 'indices may be off by more than 0.0001')
  );
}

/** Two significant digits, at most four decimals where that is enough. */
function short(x: number): string {
  return Math.abs(x) >= 0.1 ? x.toFixed(2) : String(Number(x.toPrecision(2)));
}
