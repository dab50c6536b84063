/**
 * Chains of denoising MCMC. Times: a cycle of a chain on four modes in the plane with 48 noise levels, one thread. Below them what
 * has no time: evaluations for an independent point, against reverse diffusion from noise, as a ratio, on three mixtures. A way
 * takes as few steps to the data as bring the spread within the modes to 5 % of the exact one; the warm-up of chains is left out.
 * Then how right they are after a million states and more, and how modes mix in 2, 8 and 32 dimensions.
 */
import { ok } from 'node:assert';
import {
  type Backend,
  type Denoiser,
  type DenoisingMcmcOptions,
  denoisingMcmc,
  edmGrid,
  heun,
  hostBackend,
  mixtureDenoiser,
  type NormalMixture,
  reverseDiffusion,
  run,
  veLinear,
} from '../estimators/index.ts';
import type { Benchmark, Remarks, Size, Timing } from './benchmark.ts';
import { fourModes, moreDimensions, squareAround } from './denoising-accuracy.ts';
import type { Row } from './diffusion-accuracy.ts';
import { fortyModes } from './diffusion-cases.ts';

const SEED = 7;

interface Problem {
  readonly name: string;
  readonly denoiser: Denoiser;
  /** [K] */
  readonly means: readonly (readonly number[])[];
  /** Of every component, in every direction. */
  readonly variance: number;
  readonly levels: Float64Array;
}

function problem(
  name: string,
  weights: readonly number[],
  means: readonly (readonly number[])[],
  variance: number,
  levels: number,
): Problem {
  const covariances = means.map((mean) => mean.map((_, i) => mean.map((_, j) => (i === j ? variance : 0))));
  const mixture: NormalMixture = {
    weights: [...weights],
    means: means.map((mean) => [...mean]),
    covariances,
  };
  // From a sixth of the spread of a mode up to twice the reach of all of them.
  const low = Math.sqrt(variance) / 6;
  const high = 2 * Math.max(...means.flat().map(Math.abs));
  const grid = Float64Array.from({ length: levels }, (_, g) => low * (high / low) ** (g / (levels - 1)));
  return { name, denoiser: mixtureDenoiser(mixture, veLinear()), means, variance, levels: grid };
}

function problems(): readonly Problem[] {
  const corners = [-4, 4].flatMap((b) => [-4, 4].map((a) => [a, b]));
  const apart = [-4, 4].map((at) => Array.from({ length: 8 }, (_, c) => (c === 0 ? at : 0)));
  const { mixture } = fortyModes().denoiser;
  const forty = mixture!.means.map((mean) => [...mean]);
  const even = forty.map(() => 1);
  return [
    problem('four modes, d = 2', [0.1, 0.2, 0.3, 0.4], corners, 0.09, 48),
    problem('two modes, d = 8', [0.3, 0.7], apart, 0.09, 48),
    problem('forty modes, d = 2', even, forty, mixture!.covariances[0]![0]![0]!, 48),
  ];
}

/** Mean square distance to the nearest mean, over that of a component. */
function excess({ means, variance }: Problem, points: Float64Array): number {
  return squareAround(means, points) / variance;
}

interface Found {
  readonly what: string;
  /** Evaluations of an independent point by chains and from noise, and the first over the second. */
  readonly chains: number;
  readonly noise: number;
  readonly ratio: number;
  readonly steps: readonly [number, number];
  /** Cycles of memory of the mode, and the worst share in its errors. */
  readonly memory: number;
  readonly off: number;
}

let table: readonly Found[] = [];
let rows: readonly Row[] = [];

const STEPS = [6, 8, 10, 12, 14, 16, 20, 24, 28, 34, 40, 50, 64];
/** Of the squares, for 5 % of the spread. */
const ALLOWED = 1.1;

async function fromNoise(
  own: Problem,
  toy: boolean,
  backend: Backend,
): Promise<{ steps: number; cost: number }> {
  const floor = own.levels[0]! / 25;
  for (const steps of toy ? [40] : STEPS) {
    const grid = edmGrid(veLinear(), { steps, largest: 80, smallest: floor });
    const method = reverseDiffusion({
      denoiser: own.denoiser,
      integrator: heun(),
      grid,
      particles: toy ? 50 : 8000,
    });
    const { sample } = await run(method, { seed: SEED, backend });
    if (toy || excess(own, sample.points) < ALLOWED) return { steps, cost: 2 * steps - 1 };
  }
  throw new Error(`bench: ${own.name} needs more than ${STEPS.at(-1)} steps from noise.`);
}

/** The fewest steps that do, by short chains; then chains long enough to know their memory. */
async function byChains(
  own: Problem,
  toy: boolean,
  backend: Backend,
): Promise<Omit<Found, 'noise' | 'ratio' | 'steps'> & { readonly steps: number }> {
  const { denoiser, levels, means } = own;
  const skip = 5 * means[0]!.length;
  const sampled = (size: Partial<DenoisingMcmcOptions>) =>
    run(denoisingMcmc({ denoiser, levels, ...size }), { seed: SEED, backend });
  const short = toy
    ? { chains: 8, kept: 4, skip: 1, warmup: 8 }
    : { chains: 256, kept: 16, skip: 5, warmup: 60 };
  let denoiseSteps = 6;
  for (const steps of toy ? [6] : STEPS) {
    denoiseSteps = steps;
    if (toy || excess(own, (await sampled({ ...short, denoiseSteps })).sample.points) < ALLOWED) break;
  }
  const long = toy ? short : { chains: 128, kept: 80, skip, warmup: 300 };
  const { chain, diagnostics } = await sampled({ ...long, denoiseSteps });
  const { weight, share, standardError, memory } = chain.modes!;
  const off = Math.max(...share.map((own, k) => Math.abs(own - weight[k]!) / standardError[k]!));
  if (!toy) ok(off < 6, `${own.name}: a share of a mode is ${off} errors off`);
  const independent = Math.min(diagnostics.ess, (long.chains * long.kept * long.skip) / memory);
  const chains = (chain.evaluations.chain + chain.evaluations.denoise) / independent;
  return { what: own.name, chains, steps: denoiseSteps, memory, off };
}

async function compared(own: Problem, toy: boolean, backend: Backend): Promise<Found> {
  const noise = await fromNoise(own, toy, backend);
  const found = await byChains(own, toy, backend);
  const ratio = found.chains / noise.cost;
  return { ...found, noise: noise.cost, ratio, steps: [found.steps, noise.steps] };
}

/** Chains of few kept states, so that cycles are what takes the time. */
function cycles({ denoiser, levels }: Problem, toy: boolean, backend: Backend): Benchmark {
  const [chains, skip] = toy ? [8, 10] : [256, 100];
  const common = { denoiser, levels, chains, kept: 1, skip, warmup: 0, denoiseSteps: 4 };
  const once = (more: Partial<DenoisingMcmcOptions>) =>
    run(denoisingMcmc({ ...common, ...more }), { seed: SEED, backend });
  const ways: Readonly<Record<string, Partial<DenoisingMcmcOptions>>> = {
    exact: {},
    'exact, 4 moves': { moves: 4 },
    unadjusted: { mode: 'unadjusted' },
    published: { mode: 'published' },
  };
  return {
    ...{ name: 'a cycle of a chain, four modes', unit: 'chain-step', items: chains * skip, samples: 8 },
    cases: Object.entries(ways).map(([name, more]) => ({ name, run: async () => void (await once(more)) })),
    check: async () => {
      // Exact chains have the prior of the levels, published ones not.
      const longer = toy ? {} : { skip: 400, warmup: 100 };
      const exact = await once(longer);
      const published = await once({ ...longer, mode: 'published' });
      if (toy) return;
      ok(exact.chain.levelTest.probability > 1e-6, 'exact chains miss the prior of the levels');
      ok(published.chain.levelTest.probability < 1e-6, 'published chains have the prior of the levels');
    },
  };
}

export async function benchmarks(size: Size): Promise<readonly Benchmark[]> {
  const toy = size === 'toy';
  const backend = await hostBackend({ threads: 1 });
  const all = problems();
  const found: Found[] = [];
  for (const own of all) found.push(await compared(own, toy, backend));
  table = found;
  rows = [...(await fourModes(toy, backend)), ...(await moreDimensions(toy, backend))];
  return [cycles(all[0]!, toy, backend)];
}

export function remarks(_: readonly Timing[], size: Size): Remarks {
  const lines = table.map(({ what, chains, noise, ratio, steps, memory }) => {
    const cells = [chains.toFixed(0).padStart(8), noise.toFixed(0).padStart(8), ratio.toFixed(1).padStart(8)];
    return `${what.padEnd(24)} ${cells.join(' ')}   steps ${steps.join(' and ')}, the mode is kept ${memory.toFixed(0)} cycles`;
  });
  const title = `\nevaluations for an independent point: chains, from noise, ratio`;
  const right = rows.map(({ what, found, goal }) => `${what}\n  ${found}\n  goal: ${goal}`);
  return { facts: { table, rows }, lines: size === 'toy' ? [] : [title, ...lines, '', ...right] };
}
