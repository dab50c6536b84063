import { toldPlace } from '../../engine/model/place.ts';
import type { Ending } from '../../engine/sampler.ts';
import type { IntervalEstimate } from '../../engine/types.ts';
import { type Answer, answerOf, mainRow, prefixAnswer, rowOf } from './answer.ts';
import { baseOf } from './base.ts';
import type { Finding } from './finding.ts';
import type { Intervals } from './intervals.ts';
import type { Quantities, Span } from './quantities.ts';
import { outputRange } from './range.ts';
import { SUM_BLOCK } from './sum-store.ts';
import type {
  DesignInfo,
  HistoryEntry,
  OutputIndices,
  PairEstimate,
  ReplicateValues,
  SobolResult,
} from './types.ts';
import { resultWarnings } from './warnings.ts';

/** The shortest prefix in the history, base points of a replicate. */
const SHORTEST_PREFIX = 32;

/** The result of a run or of an analysis: everything in it is a copy. */
export async function resultOf(finding: Finding, { outcome, provenance }: Ending): Promise<SobolResult> {
  const { design, analysis, store, ready, outputs, place } = finding;
  const answer = await answerOf(analysis, store, ready);
  const history = await historyOf(finding, answer);
  const each = outputs.map((name, s) => outputIndices(finding, answer, s, name));
  const aggregated =
    outputs.length > 1
      ? outputIndices(
          finding,
          answer,
          outputs.length,
          'aggregated',
          each.every(({ constant }) => constant),
        )
      : undefined;
  const main = aggregated ?? each[0]!;
  const warnings = resultWarnings(finding, answer, each, main);
  const base = baseOf(store, finding.filled, design.space.dimension);
  const [first, total] = [main.firstOrder, main.totalOrder];
  return {
    estimate: {
      names: [...first.names.map((name) => `S1 ${name}`), ...total.names.map((name) => `ST ${name}`)],
      value: Float64Array.of(...first.value, ...total.value),
      standardError: Float64Array.of(...first.standardError, ...total.standardError),
    },
    sample: {
      points: base.x,
      shape: [base.n, design.space.dimension],
      logWeight: new Float64Array(base.n),
    },
    outcome,
    diagnostics: { ...finding.info, warnings },
    provenance: toldPlace(provenance, place),
    firstOrder: first,
    totalOrder: total,
    secondOrder: main.secondOrder,
    outputs: each,
    aggregated,
    history,
    design: designInfo(finding, answer, provenance.seed),
    base,
    failures: [...finding.failures],
    failed: finding.failed,
    dropped: ready.dropped,
  };
}

function designInfo(finding: Finding, answer: Answer, seed: number): DesignInfo {
  const { design, ready, filled, info } = finding;
  const totals: Partial<Record<string, string>> = { saltelli: 'saltelli, total jansen' };
  return {
    kind: design.design,
    points: filled.reduce((sum, n) => sum + n, 0),
    replicates: design.points.replicates,
    completeReplicates: ready.complete,
    rowsPerPoint: design.layout.rows,
    evaluations: info.evaluations,
    inputs: [...design.space.names],
    groups: [...design.groups.names],
    interval: answer.interval,
    estimator: totals[design.estimator] ?? design.estimator,
    seed,
  };
}

/** Indices of one output, or of the aggregate, which is constant when all outputs are. */
function outputIndices(
  finding: Finding,
  answer: Answer,
  row: number,
  name: string,
  allConstant = false,
): OutputIndices {
  const { design, analysis, store, ready } = finding;
  const { quantities, plan } = analysis;
  const { groups, layout } = design;
  const own = rowOf(answer, quantities, row);
  const variance = own.value[quantities.variance]!;
  const single = row < store.outputs;
  const range = single ? outputRange(store, ready.segments, row, answer.centre[row]!) : undefined;
  const constant = range === undefined ? allConstant : range.low === range.high;
  const entries = constant ? blank(own) : own;
  const take = (span: Span, names: readonly string[]): IntervalEstimate =>
    part(entries, span, names, plan.level);
  const pairs = (span: Span, list: readonly (readonly [number, number])[]): PairEstimate | undefined => {
    if (list.length === 0) return undefined;
    const names = list.map(([j, k]) => `${groups.names[j]} x ${groups.names[k]}`);
    return { ...take(span, names), pairs: list };
  };
  const sets = layout.closed.map((set) => set.name);
  const totals = constant
    ? undefined
    : replicateValues(answer, row * quantities.formulas.length, quantities.total);
  return {
    name,
    firstOrder: take(quantities.first, groups.names),
    totalOrder: take(quantities.total, groups.names),
    ...(totals === undefined ? {} : { replicateTotals: totals }),
    secondOrder: pairs(quantities.pairs, layout.pairs),
    superset: pairs(
      quantities.superset,
      layout.superset.map(({ pair }) => pair),
    ),
    closed: sets.length === 0 ? undefined : take(quantities.closed, sets),
    closedTotal: sets.length === 0 ? undefined : take(quantities.closedTotal, sets),
    meanDimension: take(quantities.meanDimension, ['mean dimension']),
    interaction: take(quantities.interaction, ['interaction']),
    mean: single ? answer.centre[row]! : Number.NaN,
    variance: constant ? 0 : variance,
    constant,
    largestShare: range === undefined || constant ? Number.NaN : range.share,
  };
}

/** What each replicate says of a span of quantities; `offset` is where the quantities of the output begin. */
function replicateValues({ replicates }: Answer, offset: number, span: Span): ReplicateValues | undefined {
  if (replicates.length < 2) return undefined;
  const values = new Float64Array(replicates.length * span.count);
  replicates.forEach((all, r) => {
    const from = offset + span.from;
    values.set(all.subarray(from, from + span.count), r * span.count);
  });
  return { replicates: replicates.length, values };
}

/** All entries NaN: there is no variance to share out. */
function blank(own: Intervals): Intervals {
  const nothing = new Float64Array(own.value.length).fill(Number.NaN);
  return { value: nothing, standardError: nothing, low: nothing, high: nothing };
}

function part(own: Intervals, span: Span, names: readonly string[], level: number): IntervalEstimate {
  const cut = (array: Float64Array): Float64Array => array.slice(span.from, span.from + span.count);
  return {
    names: [...names],
    value: cut(own.value),
    standardError: cut(own.standardError),
    low: cut(own.low),
    high: cut(own.high),
    level,
  };
}

/** Estimates at n/2, n/4, ... base points of each replicate, smallest first; the full answer last. */
async function historyOf(finding: Finding, answer: Answer): Promise<readonly HistoryEntry[]> {
  const { analysis, store, ready, design } = finding;
  const { quantities, short, plan } = analysis;
  const row = mainRow(store.outputs);
  const entry = (at: Answer, list: Quantities): HistoryEntry => ({
    points: at.points,
    firstOrder: part(rowOf(at, list, row), list.first, design.groups.names, plan.level),
    totalOrder: part(rowOf(at, list, row), list.total, design.groups.names, plan.level),
  });
  const entries = [entry(answer, quantities)];
  const whole = Math.min(...ready.segments.map(({ n }) => n));
  const shortest = store.kind === 'sums' ? SUM_BLOCK : SHORTEST_PREFIX;
  for (let n = Math.floor(whole / 2); n >= shortest && ready.complete > 0; n = Math.floor(n / 2)) {
    if (store.kind === 'sums' && n % SUM_BLOCK !== 0) break;
    entries.push(entry(await prefixAnswer(analysis, store, ready, n), short));
  }
  return entries.reverse();
}
