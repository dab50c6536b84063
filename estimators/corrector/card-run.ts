import type { Arena, Backend } from '../../engine/backend/backend.ts';
import type { Gpu, GpuArena, GpuArray } from '../../engine/backend/gpu/types.ts';
import { correctorMoveShader } from '../../engine/backend/wgsl/corrector.ts';
import { sameShader } from '../../engine/backend/wgsl/same-shader.ts';
import { type CardFields, makeCardFields } from '../../engine/particles/card-fields.ts';
import { makeResampler, type Resampler } from '../../engine/particles/resampler.ts';
import {
  bookStep,
  type CardRun,
  type CardRunWeights,
  type CardStep,
  type Standing,
} from '../../engine/particles/smc/card-smc.ts';
import type { Trigger } from '../../engine/particles/trigger.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { channel, type Rng } from '../../engine/random/rng.ts';
import { type Calibrate, makeCalibrate } from './calibrate.ts';
import type { CardTarget } from './card-target.ts';
import { quadraticValues } from './card-tilt.ts';
import type { CorrectorFields, CorrectorPlan } from './plan.ts';
import { startSpread, weighStart } from './prior.ts';
import { type Runaway, runaways } from './runaway.ts';

/*
 * One run of a corrector whose particles are on a graphics card. Rows (x, u), scores, rates and normals are float32 there;
 * x, u and the features come back after each step, 4 (2 d + width) bytes a particle. The control is fitted to the features in
 * float64, log increments are h theta . features in float64, and weights, ancestors and log Z are those of the host.
 *
 * The steps are those of model.ts and the loop on the host, in the same order and with the same draws.
 */

/** What a run knows beside its particles; as model.ts saves it. */
export interface CardFit {
  /** [width] */
  readonly theta: readonly number[];
  readonly rateVariance: number;
  readonly runaway: Runaway;
}

export interface CardRunOptions {
  readonly plan: CorrectorPlan;
  readonly gpu: Gpu;
  readonly backend: Backend;
  readonly rng: Rng;
  /** Shared by all runs. */
  readonly target: CardTarget;
  readonly trigger: Trigger;
}

interface Parts extends CardRunOptions {
  /** Rows (x, u), [K, 2 d]. */
  readonly fields: CardFields<{ readonly state: { readonly components: number } }>;
  /** Features [K, width], the part of a move that is the same for all [d], and ancestors [K]. */
  readonly onCard: {
    readonly told: GpuArray<'f32'>;
    readonly shift: GpuArray<'f32'>;
    readonly chosen: GpuArray<'u32'>;
  };
  readonly rooms: ReturnType<typeof roomsOf>;
  readonly resampler: Resampler;
  readonly calibrate: Calibrate;
  readonly spread: number;
  readonly weights: CardRunWeights;
}

/** @throws BackendError when the card cannot hold the particles. */
export function makeCardRun(options: CardRunOptions): CardRun<CorrectorFields, CardFit> {
  const { plan, gpu, backend } = options;
  const [arena, cards] = [backend.arena(), gpu.arena()];
  const release = (): void => {
    opened?.release();
    cards.release();
    arena.release();
  };
  let opened: Parts['fields'] | undefined;
  try {
    opened = makeCardFields(gpu, plan.particles, { state: { components: 2 * plan.dimension } });
    return { ...assembled(options, opened, arena, cards), release };
  } catch (error) {
    release();
    throw error;
  }
}

function assembled(
  options: CardRunOptions,
  fields: Parts['fields'],
  arena: Arena,
  cards: GpuArena,
): Omit<CardRun<CorrectorFields, CardFit>, 'release'> {
  const { plan, gpu, backend } = options;
  const { particles: K, dimension: d, width, scheme } = plan;
  const rooms = roomsOf(plan, arena);
  const { x, u, features, logWeight } = rooms;
  const resampler = makeResampler({ backend, arena, particles: K, scheme });
  const weights = { logWeight, weight: resampler.weight, weigh: () => resampler.weigh(logWeight) };
  const onCard = { told: cards.f32(K * width), shift: cards.f32(d), chosen: cards.u32(K) };
  const calibrate = makeCalibrate(plan, backend, arena);
  const spread = startSpread(plan);
  const parts: Parts = { ...options, fields, onCard, rooms, resampler, calibrate, spread, weights };
  return {
    ...weights,
    model: {
      theta: Array.from({ length: width }, (_, c) => (c === width - 1 ? 1 : 0)),
      rateVariance: Number.NaN,
      runaway: { share: 0, time: Number.NaN },
    },
    step: (t, from) => step(parts, t, from),
    place(copy) {
      x.set(copy.field('x'));
      u.set(copy.field('u'));
      features.set(copy.field('features'));
      gpu.write(fields.field('state'), joined(x, u, d));
    },
  };
}

/** Arrays on the host: the last step, its control, and what it adds to log-weights, by parents and by particles. */
function roomsOf({ particles: K, dimension: d, width }: CorrectorPlan, arena: Arena) {
  return {
    ...{ x: arena.f64(K * d), u: arena.f64(K * d), features: arena.f64(K * width), theta: arena.f64(width) },
    ...{ potential: arena.f64(K), increment: arena.f64(K), logWeight: arena.f64(K), ancestor: arena.u32(K) },
  };
}

async function step(
  parts: Parts,
  t: number,
  from: Standing<CardFit>,
): Promise<() => Promise<CardStep<CorrectorFields, CardFit>>> {
  const { plan, gpu, target, trigger, fields, onCard, rooms, resampler, weights } = parts;
  const { terms, rule, dimension: d, prior } = plan;
  const { x, u, features, theta, increment, logWeight, ancestor } = rooms;
  const last = t === terms.length - 1;
  theta.set(from.model.theta);
  if (t > 0) await prepare(parts, t);
  const resampled = t > 0 && rule.at(t - 1) && trigger(from.summary, logWeight);
  if (resampled) await select(parts, t);
  move(parts, t);
  if (!last) target.evaluate(t, fields.field('state'), onCard.told);
  const answers = Promise.all([
    gpu.read(fields.field('state')),
    last ? undefined : gpu.read(onCard.told),
    t === 0 && prior === 'exact' ? gpu.read(target.densities) : new Float32Array(0),
  ]);
  // Whoever ends the step is told.
  answers.catch(() => undefined);
  return async () => {
    const [state, told, densities] = await answers;
    split(state, d, x, u, last);
    if (told === undefined) features.fill(0);
    else features.set(told);
    increments(parts, t, resampled, densities);
    const summary = await resampler.reweigh(logWeight, increment, resampled);
    const standing = await bookStep(weights, t, { from, resampled, summary, nans: 0 });
    const model = await learn(parts, t, summary.sum, from.model);
    return {
      ...{ ...standing, model, ancestor: resampled ? ancestor : undefined },
      fill(copy) {
        copy.field('x').set(x);
        copy.field('u').set(u);
        copy.field('features').set(features);
      },
    };
  };
}

/** What step t adds to the log-weights, by parents: known before they are resampled. */
async function prepare({ plan, backend, rooms }: Parts, t: number): Promise<void> {
  const { weights, width, terms, particles } = plan;
  const { features, theta, potential } = rooms;
  if (weights === 'none') return;
  const args = [features, width, theta, terms[t - 1]!.step, potential] as const;
  await backend.dispatch('correctorPotential', [...args], particles);
}

async function select({ gpu, rng, resampler, rooms, fields, onCard }: Parts, t: number): Promise<void> {
  await resampler.draw({ key: rng.key, step: t }, rooms.ancestor);
  gpu.write(onCard.chosen, rooms.ancestor);
  fields.select(onCard.chosen);
}

/** Step 0 draws the start: a move from 0 with the normals of another purpose. */
function move({ plan, gpu, rng, rooms: { theta }, fields, onCard, spread }: Parts, t: number): void {
  const { width, dimension: d, particles, terms } = plan;
  const before = terms[t - 1];
  const h = before?.step ?? 0;
  const scale = before === undefined ? 0 : 1 + h * (width > 1 ? theta[width - 2]! : 0);
  const noise = before === undefined ? spread : Math.sqrt(before.noise * h);
  if (width > 2)
    gpu.write(
      onCard.shift,
      Float32Array.from({ length: d }, (_, c) => h * theta[c]!),
    );
  const [k0, k1] = rng.key;
  const address = { k0, k1, step: t, channel: channel(t === 0 ? PURPOSE.init : PURPOSE.diffusion) };
  const arrays = { state: fields.field('state'), shift: onCard.shift, next: fields.spare('state') };
  gpu.run(sameShader(correctorMoveShader(d)), arrays, { ...address, scale, h, noise }, particles);
  fields.swap('state');
}

function increments(
  { plan, target, rooms, spread }: Parts,
  t: number,
  resampled: boolean,
  densities: Float32Array,
): void {
  const { x, potential, increment, ancestor } = rooms;
  if (t > 0) {
    for (let i = 0; i < increment.length; i++) increment[i] = potential[resampled ? ancestor[i]! : i]!;
    return;
  }
  const tilt = new Float64Array(plan.tilts.length > 0 ? increment.length : 0);
  quadraticValues(target.tilt(0), x, tilt);
  weighStart(plan, spread, x, { densities: Float64Array.from(densities), tilt }, increment);
}

async function learn(
  { plan, rooms, weights, calibrate }: Parts,
  t: number,
  sum: number,
  { runaway: worst, ...before }: CardFit,
): Promise<CardFit> {
  const { x, features, theta } = rooms;
  const { time } = plan.terms[t]!;
  const share = runaways(plan, plan.terms[t]!, x);
  const runaway = share > worst.share ? { share, time } : worst;
  if (!(sum > 0)) return { ...before, runaway };
  const rateVariance = await calibrate.fit(t, { x, features, weight: weights.weight, sum }, theta);
  return { theta: Array.from(theta), rateVariance, runaway };
}

/** Rows (x, u) as positions and drifts; none were made at the end. */
function split(state: Float32Array, d: number, x: Float64Array, u: Float64Array, last: boolean): void {
  for (let at = 0, row = 0; at < x.length; at += d, row += 2 * d) {
    for (let c = 0; c < d; c++) {
      x[at + c] = state[row + c]!;
      u[at + c] = last ? 0 : state[row + d + c]!;
    }
  }
}

function joined(x: Float64Array, u: Float64Array, d: number): Float32Array<ArrayBuffer> {
  const state = new Float32Array(2 * x.length);
  for (let at = 0, row = 0; at < x.length; at += d, row += 2 * d) {
    state.set(x.subarray(at, at + d), row);
    state.set(u.subarray(at, at + d), row + d);
  }
  return state;
}
