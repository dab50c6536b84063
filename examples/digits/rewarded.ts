import {
  bestOf,
  diffusionChain,
  drawLeaves,
  importanceAtEnd,
  normalizedWeight,
  type SteeringResult,
  steering,
  treeSampler,
  twisted,
} from 'ensample';
import { evenDraws } from '../figures/weighted.ts';
import { type Drawn, type LogZ, ran, type Setting, warned } from './draw.ts';
import { type Moments, momentsOf } from './frechet.ts';
import { chainGrid } from './free.ts';
import { counting, towards } from './guided.ts';
import { EVEN } from './networks.ts';

/*
 * Even digits: q(x) p(even given x). All get the evaluations of the denoiser that CANDIDATES runs of the chain for each
 * picture take; where that leaves more pictures than are shown, they are drawn by weight.
 */

/** Chains for each picture of best-of-n, and so of all. */
export const CANDIDATES = 4;

function chainOf(setting: Setting) {
  const { networks } = setting;
  return { denoiser: networks.denoiser(), reward: networks.reward(EVEN), grid: chainGrid(setting) };
}

/** Feynman-Kac correctors: the reward as a tilt that a classifier of noisy digits knows at each noise. */
export async function corrected(setting: Setting): Promise<Drawn> {
  const { networks, pictures } = setting;
  const target = { experts: [networks.denoiser()], exponents: [1], tilts: [networks.tilt(EVEN)] };
  // Fewer particles, and steps as small as the weights want them.
  const result = await towards(target, true, pictures, setting, { finer: CANDIDATES });
  const { value, standardError: error } = result.logNormalizer;
  return {
    points: evenDraws(result.sample, pictures),
    note: counting([result]),
    logZ: { value, error },
  };
}

export async function steered(setting: Setting): Promise<Drawn> {
  const particles = CANDIDATES * setting.pictures;
  return weighted(await ran(steering({ ...chainOf(setting), particles }), setting), setting);
}

/** A step evaluates the denoiser three times: for the estimate, and two for how it answers to a change of x. */
export async function pulled(setting: Setting): Promise<Drawn> {
  const particles = Math.floor((CANDIDATES * setting.pictures) / 3);
  return weighted(await ran(twisted({ ...chainOf(setting), particles }), setting), setting);
}

export async function best(setting: Setting): Promise<Drawn> {
  const { pictures } = setting;
  const method = bestOf({ ...chainOf(setting), particles: pictures, candidates: CANDIDATES });
  return { points: (await ran(method, setting)).sample.points };
}

/** Trees that share beginnings of chains, each leaf with its weight. */
export async function planned(setting: Setting): Promise<Drawn> {
  const { pictures } = setting;
  const trees = 4;
  // Leaves that share beginnings take about four fifths of the steps of whole chains.
  const iterations = 4 * Math.round((1.25 * CANDIDATES * pictures) / trees / 4);
  const method = treeSampler({ chain: diffusionChain(chainOf(setting)), iterations, trees, batch: 4 });
  const result = await ran(method, setting);
  const note = `${result.tree.leaves} leaves of ${trees} trees; ${Math.round(result.diagnostics.ess)} of them count.${warned(result)}`;
  const { value, standardError: error } = result.logNormalizer;
  return { points: drawLeaves(result, pictures).points, note, logZ: { value, error } };
}

function weighted(result: SteeringResult, { pictures }: Setting): Drawn {
  const least = Math.min(...result.trace.ess);
  const note = `At the worst step ${least.toFixed(0)} of ${result.sample.shape[0]} particles counted.${warned(result)}`;
  const { value, standardError: error } = result.logNormalizer;
  return { points: evenDraws(result.sample, pictures), note, logZ: { value, error } };
}

/** log Z by whole chains, and the features of the law that all others aim at. */
export interface Evidence extends LogZ {
  readonly chains: number;
  readonly law: Moments;
}

export async function evidence(setting: Setting, chains: number): Promise<Evidence> {
  const { logNormalizer, sample } = await ran(
    importanceAtEnd({ ...chainOf(setting), particles: chains }),
    setting,
  );
  const { value, standardError: error } = logNormalizer;
  const { features } = await setting.networks.judge(sample.points);
  return { value, error, chains, law: momentsOf(features, normalizedWeight(sample.logWeight)) };
}
