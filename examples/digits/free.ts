import { ddpm, denoisingMcmc, edmGrid, type Grid, reverseDiffusion } from 'ensample';
import { type Drawn, ofEachDigit, ran, type Setting } from './draw.ts';
import { NOISE } from './guided.ts';
import told from './models/digits.json' with { type: 'json' };
import { schedule } from './networks.ts';

/** The chain of steps that the rewarded methods run on, too: it ends at noise 0. */
export function chainGrid({ steps }: Setting): Grid {
  return edmGrid(schedule, { steps, ...NOISE });
}

/** Digits of all classes. */
export async function free(setting: Setting): Promise<Drawn> {
  const { networks, pictures } = setting;
  const plan = { integrator: ddpm(), grid: chainGrid(setting), particles: pictures };
  const { sample } = await ran(reverseDiffusion({ denoiser: networks.denoiser(), ...plan }), setting);
  return { points: sample.points };
}

/** As many digits of each class. */
export async function byClass(setting: Setting): Promise<Drawn> {
  const { networks, pictures } = setting;
  const plan = { integrator: ddpm(), grid: chainGrid(setting), particles: pictures / 10 };
  const { points, asked } = await ofEachDigit(setting, async (digit, own) => {
    return (await ran(reverseDiffusion({ denoiser: networks.denoiser(digit), ...plan }), own)).sample;
  });
  return { points, asked };
}

/** A chain that wanders over pictures and noise levels, whose levels a network draws. */
export async function wandering(setting: Setting): Promise<Drawn> {
  const { networks, pictures, steps } = setting;
  const chains = pictures / 5;
  const result = await ran(
    denoisingMcmc({
      ...{ denoiser: networks.denoiser(), levelLaw: networks.levelLaw, levels: told.levels },
      ...{ mode: 'unadjusted', start: 'denoised', chains, kept: 5 },
      ...{ warmup: 4 * steps, skip: steps, denoiseSteps: steps / 2, floor: NOISE.smallest },
    }),
    setting,
  );
  const { memory, evaluations } = result.chain;
  const spent = Math.round((100 * (evaluations.start + evaluations.warmup)) / result.diagnostics.evaluations);
  const note = `The noise level forgets in ${memory.toFixed(0)} cycles; ${spent} % of the evaluations were start and warm-up.`;
  return { points: result.sample.points, note };
}
