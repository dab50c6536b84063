import { decodeState, encodeState } from '../../../engine/array/codec.ts';
import type { Backend } from '../../../engine/backend/backend.ts';
import { modelsOn } from '../../../engine/cluster/on-cluster.ts';
import { OptionError, type PointFailure } from '../../../engine/errors.ts';
import { isOtherKernel } from '../../../engine/model/local.ts';
import { toldPlace } from '../../../engine/model/place.ts';
import type { Context, Ending, Info, Sampler, Step } from '../../../engine/sampler.ts';
import { checkSavedRun } from '../../../engine/saved-run.ts';
import type { ModelMethod } from '../../../engine/sharded.ts';
import type { IntervalEstimate, Source, Warning } from '../../../engine/types.ts';
import { EXPECTATIONS_SOURCES, expectations } from '../expectations/expectations.ts';
import type { ExpectationsState } from '../expectations/state.ts';
import type { ExpectationsResult } from '../expectations/types.ts';
import { checkPlan, type Plan, WHERE } from './sobol-plan.ts';
import { type MixedRows, openMixedRows } from './sobol-rows.ts';
import type { ImportanceSobolOptions, ImportanceSobolResult } from './sobol-types.ts';

/*
 * Sobol' indices by adaptive importance sampling in 2 d dimensions, points (x, x') with x' an independent copy.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | d | inputs | |
 * | G | groups, the inputs themselves when there are none | |
 * | S_g, S^T_g | firstOrder, totalOrder | [G] |
 *
 * Each point costs G + 2 model runs: at x, at x', and at x with each group taken from x' (`sobol-form`). The sample pays where the
 * variance sits in a tail; for smooth models a scrambled net (`sobolIndices`) is as accurate and simpler. Departures from the source:
 * the difference form, total indices, points spent on the indices themselves, and a last stage on scrambled points.
 */
export const IMPORTANCE_SOBOL_SOURCES: readonly Source[] = EXPECTATIONS_SOURCES;

/** A run: the expectations behind the indices, and the model they are made from. */
export interface ImportanceSobolState {
  readonly rows: MixedRows;
  readonly method: Sampler<ExpectationsState, ExpectationsResult>;
  readonly inner: ExpectationsState;
  readonly info: Info;
}

/**
 * First-order and total Sobol' indices of one output, by `expectations`.
 * @throws OptionError for bad options; ModelError when the model fails at a point and `missing` is 'error'.
 */
export function importanceSobol(
  options: ImportanceSobolOptions,
): ModelMethod<ImportanceSobolState, ImportanceSobolResult> {
  const plan = checkPlan(options);
  // For its checks: the model comes with the run.
  expectations(plan.inner(() => {}));
  const begin = async (
    ctx: Context,
    first: (
      method: ImportanceSobolState['method'],
      inner: Context,
      rows: MixedRows,
    ) => Promise<Step<ExpectationsState>>,
  ): Promise<Step<ImportanceSobolState>> => {
    const rows = await openMixedRows(plan, ctx);
    const method = expectations(plan.inner(rows.evaluate));
    try {
      return told(rows, method, await first(method, onProcessor(ctx), rows));
    } catch (error) {
      // The runner disposes of states it has seen.
      rows.evaluator.dispose();
      throw rows.error ?? error;
    }
  };
  return {
    name: 'importance-sobol',
    sources: IMPORTANCE_SOBOL_SOURCES,
    onCluster: modelsOn(WHERE, (replace) => importanceSobol({ ...options, model: replace(options.model) })),
    init: (ctx) => begin(ctx, (method, inner) => method.init(inner)),
    async step({ rows, method, inner }, ctx) {
      try {
        return told(rows, method, await method.step(inner, onProcessor(ctx)));
      } catch (error) {
        throw rows.error ?? error;
      }
    },
    result: (state, ending) => answer(plan, state, ending),
    snapshot: (state) => encode(plan, state),
    restore: (bytes, ctx) =>
      begin(ctx, async (method, inner, rows) => {
        const saved = decode(plan, bytes, ctx.rng.key);
        const step = await method.restore(saved.inner, inner);
        rows.evaluator.count(saved.evaluations);
        rows.failures.push(...saved.failures);
        rows.failed = saved.failed;
        return step;
      }),
    dispose({ rows, method, inner }) {
      method.dispose(inner);
      rows.evaluator.dispose();
    },
  };
}

/** The points are made on the processor also where the model runs on a card. */
function onProcessor(ctx: Context): Context {
  const { backend } = ctx;
  if (backend.processor === undefined) return ctx;
  const processor: Backend = { ...backend, ...backend.processor, precision: 'float64' };
  return { ...ctx, backend: processor };
}

function told(
  rows: MixedRows,
  method: ImportanceSobolState['method'],
  { state, done, info }: Step<ExpectationsState>,
): Step<ImportanceSobolState> {
  const own = { ...info, evaluations: rows.evaluator.evaluations };
  return { state: { rows, method, inner: state, info: own }, done, info: own };
}

async function answer(
  { groups, output }: Plan,
  { rows, method, inner, info }: ImportanceSobolState,
  { outcome, provenance }: Ending,
): Promise<ImportanceSobolResult> {
  const { evaluator, failures, failed } = rows;
  const found = await method.result(inner, { outcome, provenance });
  const G = groups.length;
  const names = groups.map(({ name }) => name);
  const pick = (from: number, to: number, called: readonly string[]): IntervalEstimate => {
    const { value, standardError, low, high, level } = found.functionals;
    const part = (x: Float64Array): Float64Array => x.slice(from, to);
    return {
      names: called,
      value: part(value),
      standardError: part(standardError),
      low: part(low),
      high: part(high),
      level,
    };
  };
  return {
    estimate: pick(0, 2 * G, [...names.map((name) => `S1 ${name}`), ...names.map((name) => `ST ${name}`)]),
    firstOrder: pick(0, G, names),
    totalOrder: pick(G, 2 * G, names),
    output: output ?? evaluator.outputs[0]!,
    variance: pick(2 * G, 2 * G + 1, ['variance']),
    expectations: found,
    runsPerPoint: G + 2,
    sample: found.sample,
    outcome: found.outcome,
    diagnostics: {
      ...found.diagnostics,
      evaluations: info.evaluations,
      warnings: inertWarnings(found.diagnostics.warnings, found.diagnosticsOf, names),
    },
    provenance: toldPlace(provenance, evaluator.place),
    failures: [...failures],
    failed,
  };
}

/**
 * A difference that was 0 at every point means here an input without influence, or one with all of it, or a constant model,
 * and no rare event to be searched for.
 */
function inertWarnings(
  warnings: readonly Warning[],
  diagnosticsOf: ExpectationsResult['diagnosticsOf'],
  names: readonly string[],
): readonly Warning[] {
  const unseen = diagnosticsOf.filter(({ status }) => status === 'unseen').map(({ name }) => name);
  if (unseen.length === 0) return warnings;
  const inert = names.filter((name) => unseen.includes(`difference in ${name}`));
  const whole = names.filter((name) => unseen.includes(`difference without ${name}`));
  const quoted = (list: readonly string[]): string => list.map((name) => `\`${name}\``).join(', ');
  const told = [
    inert.length === 0
      ? []
      : `changing ${quoted(inert)} alone never changed the output: total index probably 0`,
    whole.length === 0 ? [] : `changing all but ${quoted(whole)} never did: first-order index probably 1`,
  ].flat();
  const message = unseen.includes('difference in all')
    ? 'The output was the same at all points, so there is no variance to share out.'
    : `At all points ${told.join('; ')}. The points bound neither, so these are left out; sobolIndices gives them.`;
  return [
    ...warnings.filter(({ code }) => code !== 'event-unseen' && code !== 'functional-undefined'),
    { code: 'event-unseen', message, value: 0 },
  ];
}

/** What a snapshot holds beside that of the expectations. */
interface Saved {
  readonly key: readonly [number, number];
  readonly plan: string;
  readonly kernel?: string | undefined;
  readonly evaluations: number;
  readonly failed: number;
  readonly failures: readonly (Omit<PointFailure, 'input'> & { readonly input: readonly number[] })[];
}

async function encode(
  { fingerprint, kernel }: Plan,
  { rows, method, inner }: ImportanceSobolState,
): Promise<Uint8Array> {
  const { evaluator, failed } = rows;
  const failures = rows.failures.map((failure) => ({ ...failure, input: [...failure.input] }));
  const made = { plan: fingerprint, kernel, key: inner.key };
  const header: Saved = { ...made, evaluations: evaluator.evaluations, failed, failures };
  return encodeState(header, { inner: await method.snapshot(inner) });
}

/** @throws OptionError when the bytes are no snapshot, or of a method with other options or another seed. */
function decode(
  { fingerprint, kernel }: Plan,
  bytes: Uint8Array,
  key: readonly [number, number],
): Omit<Saved, 'failures'> & { readonly inner: Uint8Array; readonly failures: readonly PointFailure[] } {
  const { header, arrays } = decodeState(bytes);
  const saved = header as Saved | null;
  checkSavedRun(WHERE, saved, { plan: fingerprint, key }, 'other inputs, groups or options');
  if (isOtherKernel(saved.kernel, kernel)) {
    throw new OptionError({
      where: WHERE,
      option: 'from',
      value: saved.kernel,
      found: 'the saved state belongs to a run with another kernel',
      expected: 'a snapshot of the same method with the same model',
    });
  }
  const failures = saved.failures.map((failure) => ({ ...failure, input: Float64Array.from(failure.input) }));
  return { ...saved, failures, inner: new Uint8Array(arrays.inner as Uint8Array) };
}
