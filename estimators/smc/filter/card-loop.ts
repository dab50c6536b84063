import type { Backend } from '../../../engine/backend/backend.ts';
import type { Gpu } from '../../../engine/backend/gpu/types.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { CardScheme } from '../../../engine/particles/card-resampler.ts';
import { type History, makeHistory } from '../../../engine/particles/history.ts';
import { ALL_DEAD } from '../../../engine/particles/log-weight.ts';
import { makeParticles, type Particles } from '../../../engine/particles/particles.ts';
import type { SmcPopulation } from '../../../engine/particles/smc/feynman-kac.ts';
import { freshState, type Writable } from '../../../engine/particles/smc/run.ts';
import type { Smc, SmcRunState } from '../../../engine/particles/smc/types.ts';
import { makeTrigger } from '../../../engine/particles/trigger.ts';
import type { Rng } from '../../../engine/random/rng.ts';
import type { StateFields } from '../state-space.ts';
import type { CardModel } from './card-place.ts';
import { type CardRun, type CardStep, makeCardRun, type Standing } from './card-run.ts';
import type { FilterPlan } from './filter-plan.ts';

/*
 * The loop of a bootstrap filter whose particles are on a graphics card. Moves, log densities, the search for ancestors and
 * the gather are passes there; log-weights and evidence are float64 on the host. After each step the host has a copy of
 * particles and ancestors (4 d + 4 bytes a particle come back, besides 4 for its log density): means, families, history and
 * snapshots are made of that by the code that serves the loop on the host. The copy changes when the whole step is done, so
 * a card that goes away leaves the step before.
 *
 * Departures from the loop on the host: float32 states and log densities.
 */

export interface CardLoopOptions {
  readonly plan: FilterPlan;
  readonly model: CardModel;
  readonly gpu: Gpu;
  readonly backend: Backend;
  readonly signal: AbortSignal;
  /** The generators of the runs, one each. */
  readonly rngs: readonly Rng[];
}

/** A run as the host knows it. */
interface Side {
  readonly run: CardRun;
  readonly state: Writable<SmcRunState>;
  readonly population: SmcPopulation<StateFields>;
  base: number;
  summary: Standing['summary'];
}

interface Loop {
  readonly options: CardLoopOptions;
  readonly copy: Particles<StateFields>;
  readonly history: History;
  readonly sides: readonly Side[];
  evaluations: number;
  step: number;
  release(): void;
}

/** @throws BackendError when the card cannot hold the particles. */
export function cardLoop(options: CardLoopOptions): Smc<StateFields> {
  const loop = openLoop(options);
  const { copy, history, sides } = loop;
  const { particles: n, observations, where } = options.plan;
  return {
    count: n,
    particles: copy,
    history,
    runs: sides.map((side) => side.state),
    get step() {
      return loop.step;
    },
    get finished() {
      return loop.step + 1 >= observations.length || sides.every((side) => side.state.finished);
    },
    get evaluations() {
      return loop.evaluations;
    },
    advance: () => advance(loop),
    population: (run) => sides[run]!.population,
    weight: (run) => sides[run]!.run.particles.weight,
    summary: (run) => sides[run]!.summary,
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
      const header: Header = {
        step: loop.step,
        evaluations: loop.evaluations,
        runs: sides.map(({ state, base }) => ({ state: { ...state }, base })),
        history: saved.header,
      };
      return { header, arrays: { ...copy.state(), ...saved.arrays } };
    },
    restore: (saved) => restore(loop, saved),
    release: () => loop.release(),
  };
}

function openLoop(options: CardLoopOptions): Loop {
  const { plan, model, gpu, backend, rngs } = options;
  const { where, dimension, particles, observations } = plan;
  const { scheme, nan = 'error', floor, history = { kind: 'none' } } = plan.loop;
  const copy = makeParticles({
    backend,
    particles: rngs.length * particles,
    fields: { x: { components: dimension } },
  });
  const runs: CardRun[] = [];
  const release = (): void => {
    for (const run of runs) run.particles.release();
    copy.release();
  };
  const shared = { ...model, where, gpu, backend, observations, particles, dimension, nan, floor };
  const trigger = makeTrigger(where, plan.loop);
  try {
    // `placeFilter` has refused the other schemes.
    for (const rng of rngs) runs.push(makeCardRun({ ...shared, rng, trigger, scheme: scheme as CardScheme }));
  } catch (error) {
    release();
    throw error;
  }
  const sides = runs.map((run, index) => openSide(options, copy, run, index));
  return { options, copy, history: makeHistory(copy, history), sides, evaluations: 0, step: -1, release };
}

function openSide(
  { plan, backend, signal, rngs }: CardLoopOptions,
  copy: Particles<StateFields>,
  run: CardRun,
  index: number,
): Side {
  const { particles: n, dimension: d } = plan;
  const state = freshState(n);
  const rows = <A extends Float64Array | Float32Array>(array: A, width: number): A =>
    array.subarray(index * n * width, (index + 1) * n * width) as A;
  const population: SmcPopulation<StateFields> = {
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
    field: (name) => rows(copy.field(name), d),
    parent: (name) => rows(copy.parent(name), d),
  };
  return { run, state, population, base: 0, summary: ALL_DEAD };
}

async function advance(loop: Loop): Promise<void> {
  const { options, copy, sides, history } = loop;
  const t = loop.step + 1;
  const queued: ((() => Promise<CardStep>) | undefined)[] = [];
  for (const side of sides) {
    options.signal.throwIfAborted();
    queued.push(side.state.finished ? undefined : await side.run.step(t, side));
  }
  const made: (CardStep | undefined)[] = [];
  for (const end of queued) made.push(await end?.());
  // From here on nothing is asked of the card.
  const moved = made.some((step) => step?.ancestor !== undefined);
  const n = options.plan.particles;
  for (const [r, step] of made.entries())
    for (let i = 0; i < n; i++) copy.ancestor[r * n + i] = r * n + (step?.ancestor?.[i] ?? i);
  if (moved) await copy.select();
  copy.advance();
  for (const [r, step] of made.entries()) settle(sides[r]!, step);
  for (const step of made) if (step !== undefined) loop.evaluations += n;
  history.record(t, moved);
  loop.step = t;
}

/** The copy of a run after its step; a run that is over stays as it is. */
function settle(side: Side, step: CardStep | undefined): void {
  const { population, state, run } = side;
  if (step === undefined) {
    state.resampled = false;
    state.increment = 0;
    population.field('x').set(population.parent('x'));
    return;
  }
  population.field('x').set(step.x);
  population.logWeight.set(run.particles.logWeight);
  Object.assign(state, step.state);
  side.base = step.base;
  side.summary = step.summary;
}

/** As `snapshotLoop` of engine/particles/smc writes it, so that a run goes on where there is no card. */
interface Header {
  readonly step: number;
  readonly evaluations: number;
  readonly runs: readonly { readonly state: SmcRunState; readonly base: number }[];
  readonly history: unknown;
}

async function restore(loop: Loop, saved: ReturnType<Smc<StateFields>['snapshot']>): Promise<void> {
  // Written by `snapshot`, here or by the loop on the host.
  const header = saved.header as Header;
  loop.copy.restore(saved.arrays);
  loop.history.restore({ header: header.history, arrays: saved.arrays });
  loop.step = header.step;
  loop.evaluations = header.evaluations;
  for (const [r, side] of loop.sides.entries()) {
    const { state, base } = header.runs[r]!;
    Object.assign(side.state, state);
    side.base = base;
    if (loop.step < 0) continue;
    const { particles } = side.run;
    particles.place(Float32Array.from(side.population.field('x')));
    particles.logWeight.set(side.population.logWeight);
    side.summary = await particles.weigh();
  }
}
