import { afterAll, expect, test } from 'vitest';
import { decodeState } from '../../engine/array/codec.ts';
import { hostBackend } from '../../engine/backend/host.ts';
import { mixtureDenoiser } from '../../engine/diffusion/analytic/mixture-denoiser.ts';
import { edmGrid } from '../../engine/diffusion/grids.ts';
import { veLinear } from '../../engine/diffusion/schedules.ts';
import { heun } from '../../engine/diffusion/solver/runge-kutta.ts';
import { iterate, run } from '../../engine/run.ts';
import { reverseDiffusion } from '../../estimators/corrector/reverse-diffusion.ts';
import { denoisingMcmc } from '../../estimators/denoising/denoising-mcmc.ts';
import { noisedDensityMcmc } from '../../estimators/denoising/noised-density-mcmc.ts';
import type { DenoisingMcmcOptions, DenoisingMcmcResult } from '../../estimators/denoising/types.ts';
import { expectMeans, expectRejected, type Replicates } from '../support/law.ts';

const backend = await hostBackend({ threads: 1 });
afterAll(() => backend.dispose());

const SEED = 20_260_714;
const WEIGHTS = [0.1, 0.2, 0.3, 0.4];
const MEANS = [
  [-4, -4],
  [4, -4],
  [-4, 4],
  [4, 4],
];
const covariances = MEANS.map(() => [
  [0.09, 0],
  [0, 0.09],
]);
const denoiser = mixtureDenoiser({ weights: WEIGHTS, means: MEANS, covariances }, veLinear());
const G = 24;
const levels = Float64Array.from({ length: G }, (_, g) => 0.05 * 200 ** (g / (G - 1)));
/** Not equal, so that a prior that is forgotten is seen. */
const prior = levels.map((_, g) => 1 + g / G);
const N = 192;

interface Seen {
  readonly result: DenoisingMcmcResult;
  /** [cycles, N] */
  readonly history: Uint32Array;
}

async function sampled(more: Partial<DenoisingMcmcOptions>): Promise<Seen> {
  const common = { denoiser, levels, prior, chains: N, kept: 12, warmup: 120, skip: 10, denoiseSteps: 24 };
  for await (const at of iterate(denoisingMcmc({ ...common, ...more }), { seed: SEED, backend })) {
    if (at.info.done !== at.info.total) continue;
    const { history } = decodeState(await at.snapshot()).arrays;
    return { result: await at.result(), history: history as Uint32Array };
  }
  throw new Error('the run has no end');
}

/** Shares of the modes and mean square within them, of every chain. */
function modesOf({ result: { sample } }: Seen): Replicates {
  const [rows] = sample.shape;
  const values = new Float64Array(N * 5);
  for (let row = 0; row < rows; row++) {
    const [x, y] = [sample.points[2 * row]!, sample.points[2 * row + 1]!];
    const mode = (x > 0 ? 1 : 0) + (y > 0 ? 2 : 0);
    const square = ((x - MEANS[mode]![0]!) ** 2 + (y - MEANS[mode]![1]!) ** 2) / 2;
    const at = (row % N) * 5;
    values[at + mode]! += N / rows;
    values[at + 4]! += (square * N) / rows;
  }
  return { runs: N, width: 5, values };
}

const BLOCK = 4;

/** Shares of blocks of levels, of every chain. */
function levelsOf({ history }: Seen): Replicates {
  const width = G / BLOCK;
  const values = new Float64Array(N * width);
  history.forEach((level, at) => {
    values[(at % N) * width + Math.floor(level / BLOCK)]! += N / history.length;
  });
  return { runs: N, width, values };
}

function priorOfBlocks({ result }: Seen): Float64Array {
  const shares = new Float64Array(G / BLOCK);
  result.chain.prior.forEach((p, g) => {
    shares[Math.floor(g / BLOCK)]! += p;
  });
  return shares;
}

// T1 of the specification, at a tenth of its length: what its table says of each way is found, not hidden.
test('denoisingMcmc(): exact chains have the modes, spread and levels of the law; the others do not', async () => {
  // 192 independent chains: a bias of 0.52 sd of the mean of one chain is caught with 99 %; 0.014 of the mean square.
  const exact = await sampled({});
  expectMeans(modesOf(exact), [...WEIGHTS, 0.09]);
  expectMeans(levelsOf(exact), priorOfBlocks(exact));
  const { estimate, chain, diagnostics } = exact.result;
  estimate.value.forEach((mean, c) => {
    expect(Math.abs(mean - [0.8, 1.6][c]!)).toBeLessThan(4.892 * estimate.standardError[c]!);
  });
  expect(chain.acceptance.every((rate) => rate > 0.5 && rate < 1)).toBe(true);
  expect(diagnostics.warnings.map(({ code }) => code)).toEqual(['chains-short', 'chains-disagree']);

  expect(chain.levelTest.probability).toBeGreaterThan(1e-6);
  chain.modes!.share.forEach((share, m) => {
    expect(Math.abs(share - WEIGHTS[m]!)).toBeLessThan(4.892 * chain.modes!.standardError[m]!);
  });

  // The same chain, and its least noisy states: mean square 0.12 (0.345^2 in the table).
  const lowest = await sampled({ pick: 'min-sigma' });
  expect(lowest.result.chain.histogram).toEqual(chain.histogram);
  expectRejected(() => expectMeans(modesOf(lowest), [...WEIGHTS, 0.09]));
  expect(lowest.result.diagnostics.warnings[0]!.code).toBe('chain-biased');

  // A larger step than the table's 0.4, so that a short run shows the bias of the levels.
  const unadjusted = await sampled({ mode: 'unadjusted', stepSize: 1, kept: 4, skip: 30, denoiseSteps: 4 });
  expectRejected(() => expectMeans(levelsOf(unadjusted), priorOfBlocks(unadjusted)));

  // A larger step than the paper's 0.5, so that a short run shows the bias: mean square 0.106 for 0.09, distance 0.47.
  const published = await sampled({ mode: 'published', stepSize: 5 });
  expectRejected(() => expectMeans(modesOf(published), [...WEIGHTS, 0.09]));
  expectRejected(() => expectMeans(levelsOf(published), priorOfBlocks(published)));
  expect(published.result.chain.levelDistance).toBeGreaterThan(0.3);
  expect(published.result.diagnostics.warnings[0]!.code).toBe('chain-biased');
});

/** Two laws of sd 0.3 at -4 and 4 along the first of d axes, weights 0.3 and 0.7. */
function twoModes(d: number, G: number) {
  const means = [-4, 4].map((at) => Array.from({ length: d }, (_, c) => (c === 0 ? at : 0)));
  const covariances = means.map(() => means[0]!.map((_, i) => means[0]!.map((_, j) => (i === j ? 0.09 : 0))));
  const law = mixtureDenoiser({ weights: [0.3, 0.7], means, covariances }, veLinear());
  return { denoiser: law, levels: Float64Array.from({ length: G }, (_, g) => 0.05 * 200 ** (g / (G - 1))) };
}

// T3. The table: 40, 231 and 823 cycles of memory of the mode in 2, 8 and 32 dimensions.
test('denoisingMcmc(): modes are right in 2 and 8 dimensions, and chains too short for 32 say so', async () => {
  const chains = 100;
  const shares = ({ chain: { modes } }: DenoisingMcmcResult): Replicates => {
    return { runs: chains, width: 1, values: modes!.occupancy.filter((_, at) => at % 2 === 0) };
  };
  const common = { chains, denoiseSteps: 6 };
  const two = await run(denoisingMcmc({ ...common, ...twoModes(2, 24), kept: 16, skip: 10, warmup: 100 }), {
    seed: SEED,
    backend,
  });
  // 100 chains: a share that is off by 0.72 sd of that of a chain is caught.
  expectMeans(shares(two), [0.3]);
  expectRejected(() => expectMeans(shares(two), [0.7]));
  const eight = await run(denoisingMcmc({ ...common, ...twoModes(8, 32), kept: 14, skip: 25, warmup: 100 }), {
    seed: SEED,
    backend,
  });
  expectMeans(shares(eight), [0.3]);
  const thin = { ...twoModes(32, 48), kept: 12, skip: 15, warmup: 60 };
  const start = Float64Array.from({ length: 24 * 32 }, (_, at) => (at % 32 === 0 ? -4 : 0));
  const many = await run(denoisingMcmc({ ...common, ...thin, chains: 24, start }), { seed: SEED, backend });
  expect(many.chain.modes!.share[0]).toBeGreaterThan(0.6);
  const codes = many.diagnostics.warnings.map(({ code }) => code);
  expect(codes).toEqual(expect.arrayContaining(['chains-short', 'chains-stuck']));
  const memories = [two, eight].map(({ chain }) => chain.modes!.memory);
  expect(memories[0]! > 20 && memories[0]! < 80, `${memories}`).toBe(true);
  expect(memories[1]! > 100 && memories[1]! < 460, `${memories}`).toBe(true);
});

// T2. Root mean squares within the modes (0.300) at 9 to 13 evaluations a point.
test('denoisingMcmc(): at few evaluations, points are nearer to the modes than by the whole way from noise', async () => {
  const spreadOf = ({ points }: DenoisingMcmcResult['sample']): number => {
    let sum = 0;
    for (let at = 0; at < points.length; at += 2)
      sum += Math.min(...MEANS.map(([a, b]) => (points[at]! - a!) ** 2 + (points[at + 1]! - b!) ** 2));
    return Math.sqrt(sum / points.length);
  };
  const fine = Float64Array.from({ length: 48 }, (_, g) => 0.05 * 200 ** (g / 47));
  const short = { denoiser, levels: fine, chains: 256, kept: 12, floor: 0.002, warmup: 60 };
  for (const [skip, denoiseSteps, more, evaluations, expected] of [
    [2, 4, {}, 11, 0.78],
    [2, 4, { mode: 'unadjusted', stepSize: 0.4 }, 9, 0.84],
  ] as const) {
    const { sample, chain } = await run(denoisingMcmc({ ...short, skip, denoiseSteps, ...more }), {
      seed: SEED,
      backend,
    });
    expect((chain.evaluations.chain + chain.evaluations.denoise) / (12 * 256)).toBe(evaluations);
    // 3072 points of 256 chains: about 0.02 from run to run.
    expect(Math.abs(spreadOf(sample) - expected), `${evaluations}`).toBeLessThan(0.1);
  }
  for (const [steps, expected] of [
    [5, 2.28],
    [6, 1.46],
  ] as const) {
    const grid = edmGrid(veLinear(), { steps, largest: 80, smallest: 0.002 });
    const whole = reverseDiffusion({ denoiser, integrator: heun(), grid, particles: 4000 });
    const { sample } = await run(whole, { seed: SEED, backend });
    expect(Math.abs(spreadOf(sample) - expected)).toBeLessThan(0.1);
  }
});

/** log of 0.3 N(-2, 0.25) + 0.7 N(2, 0.25), times N(0, 0.25), times 5. */
function logDensity(x: Float64Array, out: Float64Array, gradient?: Float64Array): void {
  for (let i = 0; i < out.length; i++) {
    const [a, b] = [x[2 * i]!, x[2 * i + 1]!];
    const [left, right] = [Math.log(0.3) - 2 * (a + 2) ** 2, Math.log(0.7) - 2 * (a - 2) ** 2];
    const most = Math.max(left, right);
    const log = most + Math.log(Math.exp(left - most) + Math.exp(right - most));
    out[i] = log - 2 * b * b + Math.log(5);
    gradient?.set([-4 * (a + 2 - 4 * Math.exp(right - log)), -4 * b], 2 * i);
  }
}

test('noisedDensityMcmc(): an unnormalised density of two modes has its shares, squares and noise; another density has not', async () => {
  const chains = 192;
  const start = Float64Array.from({ length: 2 * chains }, (_, at) =>
    at % 2 === 1 ? 0 : at % 20 < 6 ? -2 : 2,
  );
  const common = { dimension: 2, noise: [0.05, 10], chains, start, variance: 0.25 } as const;
  const found = async (off: number): Promise<[Replicates, Float64Array, number]> => {
    // A gradient that is wrong changes nothing but the pace; a density that is, everything.
    const density = {
      logDensity,
      gradient: (x: Float64Array, out: Float64Array, gradient: Float64Array) => {
        logDensity(x, out, gradient);
        for (let i = 0; i < out.length; i++) out[i]! *= off;
      },
    };
    const method = noisedDensityMcmc({ ...common, logDensity: density, kept: 250, warmup: 100 });
    const { sample, chain } = await run(method, { seed: SEED, backend });
    const values = new Float64Array(3 * chains);
    for (let row = 0; row < 250 * chains; row++) {
      const [a, b] = [sample.points[2 * row]!, sample.points[2 * row + 1]!];
      const at = (row % chains) * 3;
      if (a < 0) values[at]! += 1 / 250;
      values[at + 1]! += (Math.abs(a) - 2) ** 2 / 250;
      values[at + 2]! += (b * b) / 250;
    }
    return [{ runs: chains, width: 3, values }, chain.histogram, chain.levelTest.probability];
  };
  const [right, histogram, probability] = await found(1);
  expectMeans(right, [0.3, 0.25, 0.25]);
  expect(probability).toBeGreaterThan(1e-6);
  expect(histogram.length).toBe(64);
  const [wrong] = await found(1.2);
  expectRejected(() => expectMeans(wrong, [0.3, 0.25, 0.25]));
});
