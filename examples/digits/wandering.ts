import { ddpm, denoisingMcmc, reverseDiffusion, rngFromSeed } from 'ensample';
import { type Drawn, ran, type Setting, warned } from './draw.ts';
import { chainGrid } from './free.ts';
import { NOISE } from './guided.ts';
import told from './models/digits.json' with { type: 'json' };
import { PIXELS } from './networks.ts';

/*
 * A chain over pictures and noise levels: a Langevin move at the level, then a level that the classifier of noise draws. In 784
 * dimensions the noise of a picture is known to 3 %, so a level moves by a few of the 256 at a time, and a chain from clean
 * pictures would stay among them for ten thousand cycles. Given its level, a picture with noise has the law of that level
 * wherever the chain began: chains start spread over the levels at which a digit may still become another one.
 */

/** Draws of users have purposes from 32 on. */
const START_NOISE = 32;
/** Noise above which chains start. */
const LEAST_START = 1;
/** Pictures of each chain. */
const KEPT = 4;

export async function wandering(setting: Setting): Promise<Drawn> {
  const { networks, pictures, steps, tell } = setting;
  const chains = Math.ceil(pictures / KEPT);
  const denoiser = networks.denoiser();
  const plan = { integrator: ddpm(), grid: chainGrid(setting), particles: chains };
  const first = await ran(reverseDiffusion({ denoiser, ...plan }), {
    ...setting,
    tell: (share) => tell(share / 4),
  });
  const result = await ran(
    denoisingMcmc({
      ...{ denoiser, levelLaw: networks.levelLaw, levels: told.levels, mode: 'unadjusted' },
      ...{ start: noised(first.sample.points, setting.seed), chains, kept: KEPT, warmup: steps, skip: steps },
      ...{ denoiseSteps: steps, floor: NOISE.smallest },
    }),
    { ...setting, tell: (share) => tell((1 + 3 * share) / 4) },
  );
  const { chain, sample } = result;
  const note = `${chains} chains that begin at noise levels from ${LEAST_START} on; a level is forgotten in ${chain.memory.toFixed(0)} cycles, and ${steps} lie between two pictures.${warned(result)}`;
  return { points: sample.points.subarray(0, pictures * PIXELS), note };
}

/** Each picture with the noise of a level of its own, evenly over the levels above the least. */
function noised(points: Float64Array, seed: number): Float64Array {
  const chains = points.length / PIXELS;
  const start = Float64Array.from(points);
  const levels = told.levels.filter((level) => level >= LEAST_START);
  for (let i = 0; i < chains; i++) {
    const level = levels[Math.floor(((i + 0.5) / chains) * levels.length)]!;
    const stream = rngFromSeed(seed).stream({ purpose: START_NOISE, particle: i });
    for (let at = i * PIXELS; at < (i + 1) * PIXELS; at++) start[at] = start[at]! + level * stream.normal();
  }
  return start;
}
