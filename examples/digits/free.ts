import { ddpm, edmGrid, type Grid, reverseDiffusion } from 'ensample';
import { type Drawn, ofEachDigit, ran, type Setting } from './draw.ts';
import { NOISE } from './guided.ts';
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
