import {
  anneal,
  type CorrectorResult,
  type CorrectorTarget,
  corrector,
  edmGrid,
  type Grid,
  guide,
  product,
} from 'ensample';
import { evenDraws } from '../figures/weighted.ts';
import { type Drawn, ofEachDigit, ran, type Setting, warned } from './draw.ts';
import { schedule } from './networks.ts';

/** Noise at both ends of all runs. */
export const NOISE = { largest: 80, smallest: 0.02 } as const;
/** The digits of the product. */
export const PAIR = [4, 9] as const;
export const STRENGTH = 3;
export const COLDNESS = 1.05;

/** Steps of a correction for each step of the chain: its weights are those of steps without end. */
const FINER = 2;

/** Up to the least noise; what is left of it is taken away by the denoiser. */
function gridOf(steps: number): Grid {
  return edmGrid(schedule, { steps, ...NOISE, toData: false });
}

/** A target of `corrector`, with weights or as guidance alone. */
export function towards(
  target: CorrectorTarget,
  corrected: boolean,
  particles: number,
  setting: Setting,
  { runs = 1, finer = FINER }: { readonly runs?: number; readonly finer?: number } = {},
): Promise<CorrectorResult> {
  const grid = gridOf(finer * setting.steps);
  const weights = corrected
    ? ({ weights: 'left', control: 'none' } as const)
    : ({ weights: 'none' } as const);
  return ran(corrector({ target, grid, particles, runs, denoise: true, ...weights }), setting);
}

/** Classifier-free guidance to each digit. */
export async function guided(setting: Setting, corrected: boolean): Promise<Drawn> {
  const { networks, pictures } = setting;
  const results: CorrectorResult[] = [];
  const { points, asked } = await ofEachDigit(setting, async (digit, own) => {
    const target = guide(networks.denoiser(), networks.denoiser(digit), STRENGTH);
    const result = await towards(target, corrected, pictures / 10, own);
    results.push(result);
    return result.sample;
  });
  return { points, asked, ...(corrected ? { note: counting(results) } : {}) };
}

/** q^b of all digits. */
export async function tempered(setting: Setting, corrected: boolean): Promise<Drawn> {
  return drawn(anneal(setting.networks.denoiser(), COLDNESS), setting, corrected);
}

/** q(x given 4) q(x given 9) / q(x): what is both. */
export async function both(setting: Setting, corrected: boolean): Promise<Drawn> {
  const { networks } = setting;
  const factors = [...PAIR.map((digit) => networks.denoiser(digit)), networks.denoiser()];
  return drawn(product(factors, [1, 1, -1]), setting, corrected);
}

async function drawn(target: CorrectorTarget, setting: Setting, corrected: boolean): Promise<Drawn> {
  const result = await towards(target, corrected, setting.pictures, setting);
  const points = evenDraws(result.sample, setting.pictures);
  return { points, ...(corrected ? { note: counting([result]) } : {}) };
}

/** 'At worst 3 of 20 particles counted; the pictures descend from 8 % of the first ones.' */
export function counting(results: readonly CorrectorResult[]): string {
  const worst = Math.min(...results.map(({ trace }) => Math.min(...trace.ess)));
  const of = results[0]!.sample.shape[0] / results[0]!.runs.ess.length;
  const mean = results.reduce((sum, { uniqueAncestors }) => sum + uniqueAncestors, 0) / results.length;
  const shared = `${Math.round(100 * mean)} % of the first particles have descendants`;
  return `At the worst step ${worst.toFixed(1)} of ${of} particles counted; ${shared}.${warned(results[0]!)}`;
}
