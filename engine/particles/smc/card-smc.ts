import type { Backend } from '../../backend/backend.ts';
import { OptionError } from '../../errors.ts';
import type { Rng } from '../../random/rng.ts';
import { type History, type HistoryOptions, makeHistory } from '../history.ts';
import { ALL_DEAD, essOf, logMeanOf, type WeightSummary } from '../log-weight.ts';
import { type FieldSpecs, makeParticles, type Particles } from '../particles.ts';
import type { SmcPopulation } from './feynman-kac.ts';
import { freshState, type Writable } from './run.ts';
import type { Smc, SmcRunState } from './types.ts';

/*
 * The loop of runs whose particles are on a graphics card. What is passes there is the run's business; log-weights and
 * evidence are float64 on the host. After each step the host has a copy of particles and ancestors: means, families, history
 * and snapshots are made of that by the code that serves the loop on the host. The copy changes when the whole step is done,
 * so a card that goes away leaves the step before.
 */

/** Where a run stands after a step. */
export interface Standing<M> {
  readonly state: SmcRunState;
  /** Log-mean weight at which the evidence was last booked. */
  readonly base: number;
  readonly summary: WeightSummary;
  /** What the model knows beside its particles; goes through JSON. */
  readonly model: M;
}

/** A step just made on the card, of which nobody has been told. */
export interface CardStep<F extends FieldSpecs, M> extends Standing<M> {
  /** [N] slots of the parents; undefined where every particle is its own. */
  readonly ancestor: Uint32Array | undefined;
  /** Write the particles into the fields of the host. */
  fill(copy: SmcPopulation<F>): void;
}

/** Log-weights of a run, on the host. */
export interface CardRunWeights {
  /** [N] natural log, unnormalised. */
  readonly logWeight: Float64Array;
  /** [N] exp(logWeight - max) as last weighed. */
  readonly weight: Float64Array;
  /** Weigh them as they stand. */
  weigh(): Promise<WeightSummary>;
}

/** One run whose particles are on the card. */
export interface CardRun<F extends FieldSpecs, M> extends CardRunWeights {
  /** What the model knows before the first step. */
  readonly model: M;
  /**
   * Queue step t of a run that stands as told. What is returned waits for the card and weighs what it answers; the other runs
   * may be queued before.
   */
  step(t: number, from: Standing<M>): Promise<() => Promise<CardStep<F, M>>>;
  /** Put the particles where a saved run had them after step t. Weights are not touched. */
  place(copy: SmcPopulation<F>, t: number): void;
  release(): void;
}

export interface CardSmcOptions<F extends FieldSpecs, M> {
  readonly where: string;
  readonly backend: Backend;
  readonly signal: AbortSignal;
  /** The generators of the runs, one each. */
  readonly rngs: readonly Rng[];
  /** N, particles of one run. */
  readonly particles: number;
  /** What the host has of a particle. */
  readonly fields: F;
  /** T */
  readonly steps: number;
  /** Default { kind: 'none' }. */
  readonly history?: HistoryOptions;
  /** @throws BackendError when the card cannot hold the particles. */
  open(rng: Rng): CardRun<F, M>;
}

/** A run as the host knows it. */
interface Side<F extends FieldSpecs, M> {
  readonly run: CardRun<F, M>;
  readonly state: Writable<SmcRunState>;
  readonly population: SmcPopulation<F>;
  base: number;
  summary: WeightSummary;
  model: M;
}

interface Loop<F extends FieldSpecs, M> {
  readonly options: CardSmcOptions<F, M>;
  readonly copy: Particles<F>;
  readonly history: History;
  readonly sides: readonly Side<F, M>[];
  evaluations: number;
  step: number;
  release(): void;
}

/** A loop on the card, with what the models of its runs know. */
export interface CardSmc<F extends FieldSpecs, M> extends Smc<F> {
  model(run: number): M;
}

/** @throws BackendError when the card cannot hold the particles. */
export function makeCardSmc<F extends FieldSpecs, M>(options: CardSmcOptions<F, M>): CardSmc<F, M> {
  const loop = openLoop(options);
  const { copy, history, sides } = loop;
  const { particles: n, steps, where } = options;
  return {
    count: n,
    particles: copy,
    history,
    runs: sides.map((side) => side.state),
    get step() {
      return loop.step;
    },
    get finished() {
      return loop.step + 1 >= steps || sides.every((side) => side.state.finished);
    },
    get evaluations() {
      return loop.evaluations;
    },
    advance: () => advance(loop),
    population: (run) => sides[run]!.population,
    weight: (run) => sides[run]!.run.weight,
    summary: (run) => sides[run]!.summary,
    model: (run) => sides[run]!.model,
    eve: (run) => copy.eve().subarray(run * n, (run + 1) * n),
    adopt: async (_, from) => {
      throw new OptionError({
        where,
        option: 'from',
        value: from,
        found: 'a run on the graphics card is to adopt another',
        expected: 'a loop on the host',
      });
    },
    snapshot() {
      const saved = history.snapshot();
      const header: Header<M> = {
        step: loop.step,
        evaluations: loop.evaluations,
        runs: sides.map(({ state, base, model }) => ({ state: { ...state }, base, model })),
        history: saved.header,
      };
      return { header, arrays: { ...copy.state(), ...saved.arrays } };
    },
    restore: (saved) => restore(loop, saved),
    release: () => loop.release(),
  };
}

function openLoop<F extends FieldSpecs, M>(options: CardSmcOptions<F, M>): Loop<F, M> {
  const { backend, fields, particles, rngs, history = { kind: 'none' } } = options;
  const copy = makeParticles<F>({ backend, particles: rngs.length * particles, fields });
  const runs: CardRun<F, M>[] = [];
  const release = (): void => {
    for (const run of runs) run.release();
    copy.release();
  };
  try {
    for (const rng of rngs) runs.push(options.open(rng));
  } catch (error) {
    release();
    throw error;
  }
  const sides = runs.map((run, index) => openSide(options, copy, run, index));
  return { options, copy, history: makeHistory(copy, history), sides, evaluations: 0, step: -1, release };
}

function openSide<F extends FieldSpecs, M>(
  { backend, signal, rngs, particles: n, fields }: CardSmcOptions<F, M>,
  copy: Particles<F>,
  run: CardRun<F, M>,
  index: number,
): Side<F, M> {
  const state = freshState(n);
  const rows = <A extends Float64Array | Float32Array>(array: A, width: number): A =>
    array.subarray(index * n * width, (index + 1) * n * width) as A;
  const population: SmcPopulation<F> = {
    index,
    count: n,
    rng: rngs[index]!,
    backend,
    signal,
    normals: new Float64Array(0),
    logWeight: rows(copy.logWeight, 1),
    get resampled() {
      return state.resampled;
    },
    get ess() {
      return state.ess;
    },
    field: (name) => rows(copy.field(name), fields[name]!.components),
    parent: (name) => rows(copy.parent(name), fields[name]!.components),
  };
  return { run, state, population, base: 0, summary: ALL_DEAD, model: run.model };
}

async function advance<F extends FieldSpecs, M>(loop: Loop<F, M>): Promise<void> {
  const { options, copy, sides, history } = loop;
  const t = loop.step + 1;
  const queued: ((() => Promise<CardStep<F, M>>) | undefined)[] = [];
  for (const side of sides) {
    options.signal.throwIfAborted();
    queued.push(side.state.finished ? undefined : await side.run.step(t, side));
  }
  const made: (CardStep<F, M> | undefined)[] = [];
  for (const end of queued) made.push(await end?.());
  // From here on nothing is asked of the card.
  const moved = made.some((step) => step?.ancestor !== undefined);
  const n = options.particles;
  for (const [r, step] of made.entries())
    for (let i = 0; i < n; i++) copy.ancestor[r * n + i] = r * n + (step?.ancestor?.[i] ?? i);
  if (moved) await copy.select();
  copy.advance();
  for (const [r, step] of made.entries()) settle(sides[r]!, step, options.fields);
  for (const step of made) if (step !== undefined) loop.evaluations += n;
  history.record(t, moved);
  loop.step = t;
}

/** The copy of a run after its step; a run that is over stays as it is. */
function settle<F extends FieldSpecs, M>(
  side: Side<F, M>,
  step: CardStep<F, M> | undefined,
  fields: F,
): void {
  const { population, state, run } = side;
  if (step === undefined) {
    state.resampled = false;
    state.increment = 0;
    for (const name of Object.keys(fields)) population.field(name).set(population.parent(name));
    return;
  }
  step.fill(population);
  population.logWeight.set(run.logWeight);
  Object.assign(state, step.state);
  side.base = step.base;
  side.summary = step.summary;
  side.model = step.model;
}

/** As `snapshotLoop` of snapshot.ts writes it, so that a run goes on where there is no card. */
interface Header<M> {
  readonly step: number;
  readonly evaluations: number;
  readonly runs: readonly { readonly state: SmcRunState; readonly base: number; readonly model: M }[];
  readonly history: unknown;
}

async function restore<F extends FieldSpecs, M>(
  loop: Loop<F, M>,
  saved: ReturnType<Smc<F>['snapshot']>,
): Promise<void> {
  // Written by `snapshot`, here or by the loop on the host.
  const header = saved.header as Header<M>;
  loop.copy.restore(saved.arrays);
  loop.history.restore({ header: header.history, arrays: saved.arrays });
  loop.step = header.step;
  loop.evaluations = header.evaluations;
  for (const [r, side] of loop.sides.entries()) {
    const { state, base, model } = header.runs[r]!;
    Object.assign(side.state, state);
    side.base = base;
    side.model = model;
    if (loop.step < 0) continue;
    side.run.place(side.population, loop.step);
    side.run.logWeight.set(side.population.logWeight);
    side.summary = await side.run.weigh();
  }
}

/** What a step did to the weights of a run. */
export interface CardChange<M> {
  readonly from: Standing<M>;
  readonly resampled: boolean;
  readonly summary: WeightSummary;
  /** Potentials that were NaN and counted as -Infinity. */
  readonly nans: number;
}

/** The evidence with what step t adds to it; the end, or with a floor equal weights, where no particle is left. */
export async function bookStep<M>(
  weights: CardRunWeights,
  t: number,
  { from, resampled, summary: weighed, nans }: CardChange<M>,
  floor?: number,
): Promise<Omit<Standing<M>, 'model'>> {
  const before = from.state;
  const n = weights.logWeight.length;
  const collapsed = weighed.sum === 0;
  if (collapsed && floor !== undefined) weights.logWeight.fill(0);
  const summary = collapsed && floor !== undefined ? await weights.weigh() : weighed;
  if (summary.sum === 0) weights.weight.fill(0);
  const base = logMeanOf(summary, n);
  const gained = collapsed ? (floor ?? -Infinity) : base - (resampled ? 0 : from.base);
  const over = summary.sum === 0;
  return {
    base,
    summary,
    state: {
      logNormalizer: before.logNormalizer + gained,
      increment: gained,
      ess: essOf(summary),
      resampled,
      resamplings: before.resamplings + (resampled ? 1 : 0),
      collapsedAt: over ? t : undefined,
      finished: over,
      nans: before.nans + nans,
      floored: before.floored + (collapsed && !over ? 1 : 0),
    },
  };
}
