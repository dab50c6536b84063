import { toldNetworks } from '../../engine/model/place.ts';
import type { Ending, Info } from '../../engine/sampler.ts';
import { coordinateMeans, most, type Told } from './chain-summary.ts';
import { denoisedSweeps, describeLevels } from './diagnostics.ts';
import { modesOf } from './modes.ts';
import type { ChainPlan } from './plan.ts';
import type { DenoisingMcmcState } from './state.ts';
import type { DenoisingChain, DenoisingMcmcResult } from './types.ts';
import { warningsOf } from './warnings.ts';

/*
 * What the chains tell: means with errors by the autocorrelation along them, and how well the levels mixed.
 */

/** The points so far, and what is known of them. */
export function answer(
  plan: ChainPlan,
  state: DenoisingMcmcState,
  info: Info,
  { outcome, provenance }: Ending,
): DenoisingMcmcResult {
  const { chains: n, warmup } = plan;
  const d = plan.denoiser.dimension;
  const cycles = Math.max(0, state.cycle - warmup);
  const sweeps = denoisedSweeps(plan, state.cycle, state.skip);
  const points = state.points.slice(0, sweeps * n * d);
  const { estimate, of } = coordinateMeans(points, n, d);
  const ess = of.reduce(
    (least, { ess: own }) => (Number.isNaN(own) ? least : Math.min(own, least)),
    info.ess,
  );
  const chain = describe(plan, state, cycles, of, points, ess);
  return {
    estimate,
    sample: { points, shape: [sweeps * n, d], logWeight: new Float64Array(sweeps * n) },
    chain,
    outcome,
    diagnostics: { ...info, ess, warnings: warningsOf(plan, chain, state.chains.moves) },
    provenance: toldNetworks(provenance, [plan.denoiser]),
  };
}

function describe(
  plan: ChainPlan,
  state: DenoisingMcmcState,
  cycles: number,
  coordinates: readonly Told[],
  points: Float64Array,
  ess: number,
): DenoisingChain {
  const { levels, prior, chains: n, denoiser: source } = plan;
  const { chains, skip } = state;
  const history = state.history.subarray(0, cycles * n);
  const own = describeLevels(levels, prior, history, n);
  const modes = modesOf(source, points, n, skip);
  const evaluations = evaluationsOf(plan, state);
  return {
    ...own,
    acceptance: Float64Array.from(chains.taken, (taken, g) => taken / chains.moves[g]!),
    longestMemory: most([own.memory, ...coordinates.map(({ time }) => time * skip)]),
    worstRHat: most([own.rHat, ...coordinates.map(({ rHat }) => rHat)]),
    ...(modes === undefined ? {} : { modes }),
    stepSize: chains.stepSize,
    skip,
    cycles,
    evaluations,
    essPerEvaluation: ess / state.denoiser.evaluations,
  };
}

function evaluationsOf(plan: ChainPlan, state: DenoisingMcmcState): DenoisingChain['evaluations'] {
  const { denoiser, startEvaluations: start, denoiseEvaluations: denoise } = state;
  const ended = state.cycle > plan.warmup ? state.warmupEvaluations : denoiser.evaluations - denoise;
  return { start, warmup: ended - start, chain: denoiser.evaluations - ended - denoise, denoise };
}
