import type { Arena, Backend } from '../../engine/backend/backend.ts';
import type { OpenDenoiser } from '../../engine/diffusion/denoiser.ts';
import { openDenoiser } from '../../engine/diffusion/open-denoiser.ts';
import { type OpenReward, openReward } from '../../engine/diffusion/open-reward.ts';
import { ValueError } from '../../engine/errors.ts';
import type { Place } from '../../engine/model/place.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { channel, type Rng } from '../../engine/random/rng.ts';
import { type CorrectorPlan, WHERE } from './plan.ts';
import { type RateTerms, rateTerms, type StepTerms } from './terms.ts';
import type { RewardTilt, Tilt } from './types.ts';

/** What is known of K particles at one time of the grid, in arrays that every run writes over. */
export interface Evaluated {
  /** [M, K, d] expert after expert. */
  readonly scores: Float64Array;
  /** [M, K], where asked for. */
  readonly densities: Float64Array;
  /** [K] rho, where asked for. */
  readonly tilt: Float64Array;
  /** [K, d] grad rho, where there are tilts. */
  readonly slope: Float64Array;
}

/** What is wanted beside scores. */
export interface Wanted {
  /** log q_i. */
  readonly densities: boolean;
  /** rho itself. */
  readonly tilt: boolean;
}

/** Where the rates go: arrays of one run. */
export interface RateArrays {
  readonly u: Float64Array;
  readonly features: Float64Array;
}

/** The experts and tilts of a target, opened. */
export interface OpenTarget {
  readonly evaluated: Evaluated;
  /** Rows of all experts so far. */
  readonly evaluations: number;
  readonly places: readonly Place[];
  /** What a result should say of them. */
  readonly notes: readonly string[];
  /** Evaluate experts and tilts at particles x [K, d] (from an arena) at the time of `terms`. */
  evaluate(terms: StepTerms, x: Float64Array, wanted: Wanted): Promise<void>;
  /** Drift and features from what was evaluated last; log densities count where exponents change. */
  rates(terms: StepTerms, x: Float64Array, rng: Rng, out: RateArrays): Promise<void>;
  /** sum b_i E_i[x_0 given x] / B into `x` [K, d] itself. */
  clean(terms: StepTerms, x: Float64Array): Promise<void>;
  dispose(): void;
}

interface OpenTilt {
  readonly tilt: Tilt | RewardTilt;
  readonly reward: OpenReward | undefined;
}

/** Open a target; `done` evaluations were made before. */
export async function openTarget(
  plan: CorrectorPlan,
  { backend, signal }: { readonly backend: Backend; readonly signal: AbortSignal },
  done: number,
): Promise<OpenTarget> {
  const { experts, tilts, particles: K, dimension: d, runs, terms } = plan;
  const planned = runs * K * terms.length;
  const open: OpenDenoiser[] = [];
  const opened: OpenTilt[] = [];
  const arena = backend.arena();
  const dispose = (): void => {
    for (const expert of open) expert.dispose();
    for (const { reward } of opened) reward?.dispose();
    arena.release();
  };
  try {
    for (const [i, denoiser] of experts.entries())
      open.push(openDenoiser({ where: WHERE, option: `experts[${i}]`, denoiser, backend, signal }));
    for (const tilt of tilts) {
      const reward =
        'reward' in tilt
          ? await openReward({ where: WHERE, reward: tilt.reward, dimension: d, planned, backend, signal })
          : undefined;
      opened.push({ tilt, reward });
    }
  } catch (error) {
    dispose();
    throw error;
  }
  const rooms = roomsOf(plan, arena);
  return {
    evaluated: rooms,
    get evaluations() {
      return done + open.reduce((sum, { evaluations }) => sum + evaluations, 0);
    },
    places: opened.flatMap(({ reward }) => (reward === undefined ? [] : [reward.place])),
    notes: notesOf(opened, d),
    evaluate: (at, x, wanted) => evaluate(plan, { open, opened, rooms }, at, x, wanted),
    rates: (at, x, rng, out) => rates(plan, { open, opened, rooms, backend }, at, x, rng, out),
    clean: (at, x) => clean(plan, open, rooms, at, x),
    dispose,
  };
}

function notesOf(opened: readonly OpenTilt[], d: number): readonly string[] {
  if (!opened.some(({ reward }) => reward?.differences)) return [];
  return [`A reward came without a gradient: differences, ${2 * d + 1} evaluations each.`];
}

interface Rooms extends Evaluated {
  /** [K] what the rate has beside the scores. */
  readonly rest: Float64Array;
  /** [K] d rho / dt. */
  readonly fade: Float64Array;
  /** [M, K] div s_i of the experts that tell. */
  readonly divergences: Float64Array;
  /** [K] and [K, d] scratch. */
  readonly row: Float64Array;
  readonly plane: Float64Array;
  readonly probe: Float64Array;
  /** [M, 3] */
  readonly coefficients: Float64Array;
}

function roomsOf(
  { experts, tilts, particles: K, dimension: d, control, moving }: CorrectorPlan,
  arena: Arena,
): Rooms {
  const M = experts.length;
  const tilted = tilts.length > 0 ? K : 0;
  const probed = control === 'transport' ? K : 0;
  return {
    scores: arena.f64(M * K * d),
    densities: arena.f64(M * K),
    tilt: arena.f64(tilted),
    slope: arena.f64(tilted * d),
    rest: arena.f64(tilted > 0 || moving || probed > 0 ? K : 0),
    fade: arena.f64(tilted),
    divergences: arena.f64(M * probed),
    row: arena.f64(Math.max(tilted, probed)),
    plane: arena.f64(Math.max(tilted, probed) * d),
    probe: arena.f64(probed * d),
    coefficients: arena.f64(3 * M),
  };
}

interface Opened {
  readonly open: readonly OpenDenoiser[];
  readonly opened: readonly OpenTilt[];
  readonly rooms: Rooms;
}

async function evaluate(
  { particles: K, dimension: d, control }: CorrectorPlan,
  { open, opened, rooms }: Opened,
  at: StepTerms,
  x: Float64Array,
  wanted: Wanted,
): Promise<void> {
  for (const [i, expert] of open.entries()) {
    const column = (all: Float64Array): Float64Array => all.subarray(i * K, (i + 1) * K);
    const told = control === 'transport' && expert.source.divergence !== undefined;
    const want = {
      score: rooms.scores.subarray(i * K * d, (i + 1) * K * d),
      ...(wanted.densities ? { logDensity: column(rooms.densities) } : {}),
      ...(told ? { divergence: column(rooms.divergences) } : {}),
    };
    await expert.evaluate(x, at.time, K, want, at.index);
  }
  if (opened.length > 0) await evaluateTilts(opened, rooms, at.time, x, K, wanted.tilt);
}

/** grad rho, d rho / dt, and rho where it is wanted. */
async function evaluateTilts(
  opened: readonly OpenTilt[],
  { tilt: total, slope, fade, row, plane }: Rooms,
  time: number,
  x: Float64Array,
  K: number,
  value: boolean,
): Promise<void> {
  for (const all of [total, slope, fade]) all.fill(0);
  for (const { tilt, reward } of opened) {
    if ('reward' in tilt) {
      await reward!.evaluate(x, K, row, plane);
      checkFelt(row, x, time);
      add(total, tilt.ramp.at(time), row);
      add(slope, tilt.ramp.at(time), plane);
      add(fade, tilt.ramp.rate(time), row);
    } else {
      await tilt.gradient(x, time, plane);
      add(slope, 1, plane);
      await tilt.rate(x, time, row);
      add(fade, 1, row);
      if (!value) continue;
      await tilt.value(x, time, row);
      add(total, 1, row);
    }
  }
}

/** @throws ValueError for a point without mass: of a wall particles feel nothing until they are through it. */
function checkFelt(reward: Float64Array, x: Float64Array, time: number): void {
  const index = reward.indexOf(-Infinity);
  if (index < 0) return;
  const d = x.length / reward.length;
  throw new ValueError({
    where: WHERE,
    found: `the reward is -Infinity at particle ${index}, time ${time}`,
    expected: 'a finite reward, whose slope leads particles',
    fix: 'Use a large negative number that grows with the distance, or steering(), which weighs by rewards of any kind.',
    index,
    point: Float64Array.from(x.subarray(index * d, (index + 1) * d)),
  });
}

function add(sum: Float64Array, factor: number, terms: Float64Array): void {
  for (let at = 0; at < sum.length; at++) sum[at] = sum[at]! + factor * terms[at]!;
}

async function rates(
  plan: CorrectorPlan,
  { open, rooms, backend }: Opened & { readonly backend: Backend },
  at: StepTerms,
  x: Float64Array,
  rng: Rng,
  { u, features }: RateArrays,
): Promise<void> {
  const { particles: K, dimension: d, experts, tilts, control, width } = plan;
  const terms = rateTerms(at, d, control === 'transport');
  const { rest, coefficients } = rooms;
  const moving = at.exponentRates.some((rate) => rate !== 0);
  const rested = tilts.length > 0 || moving || terms.transport !== 0;
  if (rested) {
    rest.fill(0);
    // The tilt changes with -t as the particles go on.
    if (tilts.length > 0) add(rest, -1, rooms.fade);
    for (const [i, rate] of at.exponentRates.entries())
      if (rate !== 0) add(rest, rate, rooms.densities.subarray(i * K, (i + 1) * K));
    if (terms.transport !== 0) await addDivergences({ open, rooms, backend }, at, terms, x, rng, K, d);
  }
  coefficients.set(terms.coefficients);
  const { spread, transport, constant } = terms;
  const tilted = tilts.length > 0 ? 1 : 0;
  await backend.dispatch(
    'correctorRates',
    [
      ...([
        x,
        d,
        K,
        rooms.scores,
        experts.length,
        coefficients,
        at.drift,
        spread,
        transport,
        constant,
      ] as const),
      ...([rooms.slope, tilted, rest, rested ? 1 : 0, u, features, width] as const),
    ],
    K,
  );
}

/** k sum b_i div s_i, exact where an expert tells, else by one probe e' J e of random signs for each particle. */
async function addDivergences(
  { open, rooms, backend }: Pick<Opened, 'open' | 'rooms'> & { readonly backend: Backend },
  at: StepTerms,
  { transport }: RateTerms,
  x: Float64Array,
  rng: Rng,
  K: number,
  d: number,
): Promise<void> {
  const { rest, plane, probe } = rooms;
  for (const [i, expert] of open.entries()) {
    const factor = transport * at.exponents[i]!;
    if (expert.source.divergence !== undefined) {
      add(rest, factor, rooms.divergences.subarray(i * K, (i + 1) * K));
      continue;
    }
    const address = [...rng.key, 0, at.index, channel(PURPOSE.diffusion, 1 + i)] as const;
    await backend.dispatch('uniform', [probe, d, ...address], K);
    for (let c = 0; c < probe.length; c++) probe[c] = probe[c]! < 0.5 ? -1 : 1;
    await expert.cleanTangent(x, at.time, K, probe, plane);
    // s = (alpha D - x) / v, so e' J_s e = (alpha e' J_D e - d) / v.
    for (let n = 0; n < K; n++) {
      let sum = 0;
      for (let c = n * d; c < (n + 1) * d; c++) sum += probe[c]! * plane[c]!;
      rest[n] = rest[n]! + (factor * (at.signals[i]! * sum - d)) / at.variances[i]!;
    }
  }
}

async function clean(
  { particles: K, dimension: d }: CorrectorPlan,
  open: readonly OpenDenoiser[],
  { scores }: Rooms,
  at: StepTerms,
  x: Float64Array,
): Promise<void> {
  for (const [i, expert] of open.entries())
    await expert.evaluate(x, at.time, K, { clean: scores.subarray(i * K * d, (i + 1) * K * d) }, at.index);
  x.fill(0);
  for (const [i, b] of at.exponents.entries())
    add(x, b / at.total, scores.subarray(i * K * d, (i + 1) * K * d));
}
