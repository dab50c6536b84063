import { afterAll, expect, test } from 'vitest';
import { decodeState } from '../../engine/array/codec.ts';
import { hostBackend } from '../../engine/backend/host.ts';
import { mixtureDenoiser } from '../../engine/diffusion/analytic/mixture-denoiser.ts';
import { veLinear } from '../../engine/diffusion/schedules.ts';
import { iterate } from '../../engine/run.ts';
import { denoisingMcmc } from '../../estimators/denoising/denoising-mcmc.ts';
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

test('denoisingMcmc(): exact chains have the modes, spread and levels of the law; the published do not', async () => {
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

  // A larger step than the paper's 0.5, so that a short run shows the bias: mean square 0.106 for 0.09, distance 0.47.
  const published = await sampled({ mode: 'published', stepSize: 5 });
  expectRejected(() => expectMeans(modesOf(published), [...WEIGHTS, 0.09]));
  expectRejected(() => expectMeans(levelsOf(published), priorOfBlocks(published)));
  expect(published.result.chain.levelDistance).toBeGreaterThan(0.3);
  expect(published.result.diagnostics.warnings[0]!.code).toBe('chain-biased');
});
