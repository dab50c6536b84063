import type { OpenDenoiser } from '../../engine/diffusion/denoiser.ts';
import type { Grid } from '../../engine/diffusion/grid.ts';
import { edmGrid } from '../../engine/diffusion/grids.ts';
import type { NoiseSchedule } from '../../engine/diffusion/schedule.ts';
import { openIntegration } from '../../engine/diffusion/solver/driver.ts';
import type { Integrator } from '../../engine/diffusion/solver/program.ts';
import { TAG } from '../../engine/random/purpose.ts';
import type { Context } from '../../engine/sampler.ts';

/*
 * From noise levels to the data: level sigma_g has its own grid, of EDM,
 *
 *   L_g = max(4, ceil(L log(sigma_g / floor) / log(sigma_G / floor)))   steps, the last one to noise 0.
 *
 * Particles whose grids have as many steps go together.
 */

/** The ways from all levels to the data. */
export interface Descent {
  readonly integrator: Integrator;
  readonly parties: readonly Party[];
  /** [G] which party starts from a level, and which of its grids. */
  readonly party: Uint32Array;
  readonly grid: Uint32Array;
  /** Model evaluations of one particle from each level, [G]. */
  readonly evaluations: Float64Array;
}

/** Grids with as many steps. */
type Party = readonly Grid[];

/** @throws OptionError when the schedule does not reach a level, or the integrator does not suit a grid. */
export function planDescent(
  schedule: NoiseSchedule,
  levels: Float64Array,
  integrator: Integrator,
  steps: number,
  floor: number,
): Descent {
  const top = levels[levels.length - 1]!;
  const parties = new Map<number, Grid[]>();
  const party = new Uint32Array(levels.length);
  const grid = new Uint32Array(levels.length);
  const evaluations = new Float64Array(levels.length);
  levels.forEach((level, g) => {
    const share = Math.log(level / floor) / Math.log(top / floor);
    const own = Math.max(Math.min(4, steps), Math.ceil(steps * share - 1e-9));
    const grids = parties.get(own) ?? [];
    parties.set(own, grids);
    party[g] = [...parties.keys()].indexOf(own);
    grid[g] = grids.length;
    const smallest = Math.min(floor, level / 2);
    grids.push(edmGrid(schedule, { steps: own, largest: level, smallest }));
    evaluations[g] = integrator.program(grids[grid[g]]!).evaluations;
  });
  return { integrator, parties: [...parties.values()], party, grid, evaluations };
}

/** Time of a schedule at a level. */
export function timeOf(schedule: NoiseSchedule, level: number): number {
  return Math.min(schedule.end, schedule.timeOf(-Math.log(level)));
}

export interface Denoising {
  readonly where: string;
  readonly descent: Descent;
  readonly denoiser: OpenDenoiser;
  /** [G] alpha at the levels. */
  readonly signals: Float64Array;
  readonly tweedie: number | undefined;
  readonly clip: readonly [number, number] | undefined;
}

/**
 * Denoise x [n, d], in units of the data, in place, each row from its own level.
 * @param batch tells the noise of stochastic integrators apart.
 */
export async function denoise(
  setting: Denoising,
  x: Float64Array,
  level: Uint32Array,
  batch: number,
  ctx: Context,
): Promise<void> {
  const { descent, clip, tweedie } = setting;
  const { parties, party } = descent;
  const rng = ctx.rng.child(TAG.chunk, batch);
  const members = parties.map((): number[] => []);
  for (let i = 0; i < level.length; i++) members[party[level[i]!]!]!.push(i);
  for (let p = 0; p < parties.length; p++)
    if (members[p]!.length > 0)
      await denoiseParty(setting, p, members[p]!, x, level, { ...ctx, rng: rng.child(TAG.level, p) });
  if (tweedie !== undefined) await lastStep(setting.denoiser, x, tweedie);
  if (clip !== undefined)
    for (let at = 0; at < x.length; at++) x[at] = Math.min(clip[1], Math.max(clip[0], x[at]!));
}

/** y + e^2 grad log p_e(y), at level e. */
async function lastStep(denoiser: OpenDenoiser, y: Float64Array, level: number): Promise<void> {
  const { schedule, dimension } = denoiser;
  const time = timeOf(schedule, level);
  const signal = schedule.signal(time);
  const score = new Float64Array(y.length);
  await denoiser.evaluate(
    y.map((at) => signal * at),
    time,
    y.length / dimension,
    { score },
  );
  for (let at = 0; at < y.length; at++) y[at]! += level * level * signal * score[at]!;
}

async function denoiseParty(
  { where, descent, denoiser, signals }: Denoising,
  party: number,
  members: readonly number[],
  x: Float64Array,
  level: Uint32Array,
  { rng, backend, signal }: Context,
): Promise<void> {
  const { integrator, grid } = descent;
  const d = denoiser.dimension;
  const grids = descent.parties[party]!;
  const group = Uint32Array.from(members, (i) => grid[level[i]!]!);
  const particles = members.length;
  const integration = openIntegration({
    ...{ where, integrator, denoiser, grids, group, particles, backend, signal },
  });
  try {
    const noised = integration.x();
    members.forEach((i, row) => {
      const alpha = signals[level[i]!]!;
      for (let c = 0; c < d; c++) noised[row * d + c] = alpha * x[i * d + c]!;
    });
    for (let step = 0; step < integration.steps; step++) await integration.advance(step, rng);
    const clean = integration.x();
    members.forEach((i, row) => {
      for (let c = 0; c < d; c++) x[i * d + c] = clean[row * d + c]!;
    });
  } finally {
    integration.release();
  }
}
