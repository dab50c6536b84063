import { decodeState, encodeState } from '../../engine/array/codec.ts';
import { coordinates } from '../../engine/diagnostics/smc-estimates.ts';
import type { OpenDenoiser } from '../../engine/diffusion/denoiser.ts';
import { openDenoiser } from '../../engine/diffusion/open-denoiser.ts';
import { type Integration, openIntegration } from '../../engine/diffusion/solver/driver.ts';
import { TELEPORT, teleportErrors, teleportPoint } from '../../engine/diffusion/solver/teleport.ts';
import { toldNetworks } from '../../engine/model/place.ts';
import { orRelease } from '../../engine/or-release.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { channel } from '../../engine/random/rng.ts';
import type { Context, Ending, Info, Sampler, Step } from '../../engine/sampler.ts';
import { checkSavedRun } from '../../engine/saved-run.ts';
import type { Estimate } from '../../engine/types.ts';
import { checkReverse, type ReversePlan, WHERE } from './reverse-plan.ts';
import type { ReverseDiffusionOptions, ReverseDiffusionResult } from './reverse-types.ts';

/*
 * Plain sampling from a diffusion model: noise is drawn at the noisiest time and integrated back to the data.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | n | particles | |
 * | t_0 > .. > t_N | grid | [N + 1] |
 * | x | particles at the time reached | [n, d] |
 *
 * The points are independent and equally weighted. They follow the law of the model up to three things that no standard
 * error shows: the error of the solver in its steps, the start from noise alone, and the noise that is left at the last time.
 */

/** A run between two steps. */
export interface ReverseDiffusionState {
  readonly key: readonly [number, number];
  readonly denoiser: OpenDenoiser;
  readonly integration: Integration;
  /** Where the jump went, an index of the grid; 0 without one. */
  readonly first: number;
  readonly error: number;
  /** Steps taken. */
  step: number;
}

/**
 * Sample a diffusion model by any solver.
 * @throws OptionError or ShapeError for bad options; what the denoiser throws, ValueError naming the step when it returns
 * numbers that are not finite.
 */
export function reverseDiffusion(
  options: ReverseDiffusionOptions,
): Sampler<ReverseDiffusionState, ReverseDiffusionResult> {
  const plan = checkReverse(options);
  return {
    name: 'reverse-diffusion',
    sources: [...plan.integrator.sources, ...(plan.teleport === undefined ? [] : [TELEPORT])],
    init: (ctx) => begin(plan, ctx),
    async step(state, ctx) {
      if (state.step < state.integration.steps) {
        await state.integration.advance(state.step, ctx.rng);
        state.step++;
      }
      return report(plan, state);
    },
    result: async (state, ending) => answer(plan, state, ending),
    async snapshot({ key, denoiser, integration, first, error, step }) {
      const { evaluations } = denoiser;
      const header: Saved = { plan: plan.fingerprint, key, evaluations, first, error, step };
      return encodeState(header, integration.snapshot());
    },
    restore: (bytes, ctx) => goOn(plan, bytes, ctx),
    dispose: release,
  };
}

interface Saved {
  readonly plan: string;
  readonly key: readonly [number, number];
  readonly evaluations: number;
  readonly first: number;
  readonly error: number;
  readonly step: number;
}

async function begin(plan: ReversePlan, ctx: Context): Promise<Step<ReverseDiffusionState>> {
  const { backend, rng, signal } = ctx;
  const { particles, grid, start } = plan;
  const denoiser = openDenoiser({ where: WHERE, denoiser: plan.denoiser, backend, signal });
  const arena = backend.arena();
  try {
    const d = denoiser.dimension;
    const x = arena.f64(particles * d);
    if (start !== undefined) x.set(start);
    else {
      await backend.dispatch('normal', [x, d, ...rng.key, 0, 0, channel(PURPOSE.init)], particles);
      const { noise } = grid.points[0]!;
      for (let i = 0; i < x.length; i++) x[i] = noise * x[i]!;
    }
    const { first, error } = await jump(plan, denoiser, x);
    const state = open(plan, ctx, denoiser, first, error);
    state.integration.x().set(x);
    return report(plan, state);
  } catch (error) {
    denoiser.dispose();
    throw error;
  } finally {
    arena.release();
  }
}

/** Particles that tell how good a jump is. */
const PROBES = 64;

/** The jump over the noisiest points, in place. */
async function jump(
  { teleport, grid, particles }: ReversePlan,
  denoiser: OpenDenoiser,
  x: Float64Array,
): Promise<{ readonly first: number; readonly error: number }> {
  if (teleport === undefined) return { first: 0, error: 0 };
  const probes = x.slice(0, Math.min(PROBES, particles) * denoiser.dimension);
  const errors = await teleportErrors(teleport.jump, denoiser, grid, probes, teleport.tolerance);
  const first = teleportPoint(errors, teleport.tolerance);
  if (first > 0) teleport.jump.jump(x, particles, grid.points[0]!, grid.points[first]!, x);
  return { first, error: errors[first]! };
}

function open(
  plan: ReversePlan,
  { rng, backend, signal }: Context,
  denoiser: OpenDenoiser,
  first: number,
  error: number,
): ReverseDiffusionState {
  const { integrator, particles, grid } = plan;
  const rest = { ...grid, points: grid.points.slice(first) };
  const integration = openIntegration({
    ...{ where: WHERE, integrator, denoiser, grids: [rest], particles, backend, signal },
  });
  return { key: rng.key, denoiser, integration, first, error, step: 0 };
}

async function goOn(
  plan: ReversePlan,
  bytes: Uint8Array,
  ctx: Context,
): Promise<Step<ReverseDiffusionState>> {
  const { header, arrays } = decodeState(bytes);
  const saved = header as Saved | null;
  checkSavedRun(
    WHERE,
    saved,
    { plan: plan.fingerprint, key: ctx.rng.key },
    'another denoiser, solver or grid',
  );
  const { backend, signal } = ctx;
  const denoiser = openDenoiser(
    { where: WHERE, denoiser: plan.denoiser, backend, signal },
    saved.evaluations,
  );
  return orRelease(
    async () => {
      const state = open(plan, ctx, denoiser, saved.first, saved.error);
      return orRelease(
        async () => {
          state.integration.restore(arrays);
          state.step = saved.step;
          return report(plan, state);
        },
        () => state.integration.release(),
      );
    },
    () => denoiser.dispose(),
  );
}

function release({ denoiser, integration }: ReverseDiffusionState): void {
  integration.release();
  denoiser.dispose();
}

function report(plan: ReversePlan, state: ReverseDiffusionState): Step<ReverseDiffusionState> {
  const { step, integration } = state;
  return { state, done: step === integration.steps, info: infoOf(plan, state) };
}

function infoOf(
  { particles, warnings }: ReversePlan,
  { step, integration, denoiser }: ReverseDiffusionState,
): Info {
  const { evaluations } = denoiser;
  return { ess: particles, evaluations, warnings, done: step, total: integration.steps };
}

function answer(
  plan: ReversePlan,
  state: ReverseDiffusionState,
  { outcome, provenance }: Ending,
): ReverseDiffusionResult {
  const { particles: n, denoiser, grid, start } = plan;
  const { first, error, step } = state;
  const points = state.integration.x().slice();
  const d = denoiser.dimension;
  return {
    estimate: meanOf(points, n, d, start === undefined),
    sample: { points, shape: [n, d], logWeight: new Float64Array(n) },
    time: grid.points[first + step]!.time,
    ...(plan.teleport === undefined ? {} : { teleported: { time: grid.points[first]!.time, error } }),
    outcome,
    diagnostics: infoOf(plan, state),
    provenance: toldNetworks(provenance, [plan.denoiser]),
  };
}

/** Of independent points; points from a start that was given may be anything, and have no error. */
function meanOf(points: Float64Array, n: number, d: number, independent: boolean): Estimate {
  const value = new Float64Array(d);
  const squares = new Float64Array(d);
  for (let i = 0; i < n; i++) for (let c = 0; c < d; c++) value[c] = value[c]! + points[i * d + c]! / n;
  for (let i = 0; i < n; i++)
    for (let c = 0; c < d; c++) squares[c] = squares[c]! + (points[i * d + c]! - value[c]!) ** 2;
  const standardError = squares.map((sum) =>
    independent && n > 1 && sum > 0 ? Math.sqrt(sum / (n - 1) / n) : Number.NaN,
  );
  return { names: coordinates(d), value, standardError };
}
