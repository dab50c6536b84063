import { decodeState, encodeState } from '../../../engine/array/codec.ts';
import type { MarkovKernel } from '../../../engine/kernel/kernel.ts';
import type { Place } from '../../../engine/model/place.ts';
import { orRelease } from '../../../engine/or-release.ts';
import type { FieldSpecs } from '../../../engine/particles/particles.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import { TAG } from '../../../engine/random/purpose.ts';
import type { Context, Ending, Info, Sampler, Step } from '../../../engine/sampler.ts';
import { checkSavedRun } from '../../../engine/saved-run.ts';
import type { Source } from '../../../engine/types.ts';
import { type Course, movingModel, NO_MOVES, type StepReport } from './moving.ts';
import type { PopulationPlan } from './plan.ts';
import type { PopulationResult } from './types.ts';

/** One target of one run. */
export interface Row {
  readonly target: number;
  readonly logNormalizer: number;
  readonly ess: number;
  /** What the step added to the variance of the log normalizer; NaN without waste-free chains. */
  readonly variance: number;
  /** States that its chains remember; NaN without them. */
  readonly memory: number;
  readonly tuning: Readonly<Record<string, unknown>>;
  /** Moves of each particle at this target, and their mean acceptance; 0 and NaN where there were none. */
  readonly moves: number;
  readonly acceptance: number;
}

/** The likelihood of a run, opened. */
export interface OpenedLikelihood {
  /** Whether it fills gradients. */
  readonly gradient: boolean;
  evaluations(): number;
  readonly place: Place;
  /** A course of targets for one run. */
  course(): Course;
  dispose(): void;
}

export interface PopulationState {
  readonly key: readonly [number, number];
  readonly smc: Smc<FieldSpecs>;
  readonly likelihood: OpenedLikelihood;
  readonly kernels: readonly MarkovKernel[];
  readonly courses: readonly Course[];
  readonly reports: readonly StepReport[];
  /** [runs][targets so far] */
  readonly rows: Row[][];
}

/** What one sampler has of its own. */
export interface PopulationMethod<R extends PopulationResult> {
  readonly name: string;
  readonly sources: readonly Source[];
  readonly plan: PopulationPlan;
  /** Target at which a run is over: progress counts towards it. */
  readonly last: number;
  open(ctx: Context, done: number): Promise<OpenedLikelihood>;
  answer(state: PopulationState, ending: Ending, info: Info): R;
}

/** A sampler of moving populations. */
export function populationSampler<R extends PopulationResult>(
  method: PopulationMethod<R>,
): Sampler<PopulationState, R> {
  const { plan } = method;
  const step = async (state: PopulationState): Promise<Step<PopulationState>> => {
    if (!state.smc.finished) await advance(state);
    return report(state, method);
  };
  return {
    name: method.name,
    sources: method.sources,
    async init(ctx) {
      const state = await open(method, ctx, 0);
      return orRelease(
        () => step(state),
        () => dispose(state),
      );
    },
    step,
    result: async (state, ending) => method.answer(state, ending, report(state, method).info),
    async snapshot(state) {
      const { key, likelihood, rows, smc } = state;
      const { header, arrays } = smc.snapshot();
      const evaluations = likelihood.evaluations();
      return encodeState({ plan: plan.fingerprint, key, evaluations, rows, smc: header }, arrays);
    },
    async restore(bytes, ctx) {
      const { header, arrays } = decodeState(bytes);
      const saved = header as Saved;
      const own = { plan: plan.fingerprint, key: ctx.rng.key };
      checkSavedRun(plan.where, saved, own, 'another prior or other options');
      const state = await open(method, ctx, saved.evaluations);
      try {
        await state.smc.restore({ header: saved.smc, arrays });
      } catch (error) {
        dispose(state);
        throw error;
      }
      for (const [r, rows] of saved.rows.entries()) state.rows[r]!.push(...rows);
      return report(state, method);
    },
    dispose,
  };
}

interface Saved {
  readonly plan: string;
  readonly key: readonly [number, number];
  readonly evaluations: number;
  readonly rows: Row[][];
  readonly smc: unknown;
}

async function open<R extends PopulationResult>(
  method: PopulationMethod<R>,
  ctx: Context,
  done: number,
): Promise<PopulationState> {
  const { plan } = method;
  const { backend, signal } = ctx;
  const { where, particles, chains, scheme, trigger, runs } = plan;
  const likelihood = await method.open(ctx, done);
  // A run with frozen choices must not meet the random numbers from which they were learnt.
  const root = plan.frozen === undefined ? ctx.rng : ctx.rng.child(TAG.pilot, 1);
  const each = <T>(make: (run: number) => T): T[] => Array.from({ length: runs }, (_, run) => make(run));
  const courses = each(() => likelihood.course());
  const { law: prior, rows: priorRows } = plan.prior;
  const { dimension } = prior;
  const context = { where, backend, signal, dimension, prior, gradient: likelihood.gradient, chains };
  const kernels = each(() => plan.choice.open(context));
  const reports = each(
    (): StepReport => ({ moved: NO_MOVES, last: NO_MOVES, tuning: {}, variance: NaN, memory: NaN }),
  );
  const model = each((r) => ({
    ...movingModel({
      ...plan,
      prior,
      priorRows,
      course: courses[r]!,
      kernel: kernels[r]!,
      report: reports[r]!,
    }),
    evaluations: () => (r === 0 ? likelihood.evaluations() : 0),
  }));
  const rngs = each((r) => (runs === 1 ? root : root.child(TAG.replicate, r)));
  const smc = makeSmc({ where, backend, signal, model, rngs, particles, chains, scheme, ...trigger });
  return { key: ctx.rng.key, smc, likelihood, kernels, courses, reports, rows: each(() => []) };
}

function dispose(state: PopulationState): void {
  state.smc.release();
  for (const kernel of state.kernels) kernel.dispose();
  state.likelihood.dispose();
}

async function advance(state: PopulationState): Promise<void> {
  const { smc, rows, reports, courses } = state;
  const going = smc.runs.map((run) => !run.finished);
  await smc.advance();
  for (const [r, run] of smc.runs.entries()) {
    if (!going[r]) continue;
    const { moved, last, tuning, variance, memory } = reports[r]!;
    const before = rows[r]!.at(-1);
    // The moves with which this step began were made at the target before.
    if (before !== undefined) Object.assign(before, moved);
    const { logNormalizer, ess } = run;
    const target = courses[r]!.at;
    rows[r]!.push({ target, logNormalizer, ess, variance, memory, tuning, ...last });
  }
}

function report<R extends PopulationResult>(
  state: PopulationState,
  { last }: PopulationMethod<R>,
): Step<PopulationState> {
  const { smc, courses } = state;
  const ess = smc.runs.reduce((total, run) => total + run.ess, 0);
  const slowest = Math.min(
    ...courses.map((course, r) => (smc.runs[r]!.collapsedAt === undefined ? course.at : last)),
  );
  return {
    state,
    done: smc.finished,
    info: { ess, evaluations: smc.evaluations, warnings: [], done: slowest, total: last },
  };
}
