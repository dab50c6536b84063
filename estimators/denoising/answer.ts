import { chainMemory, splitRHat } from '../../engine/diagnostics/autocorrelation.ts';
import type { Ending, Info } from '../../engine/sampler.ts';
import {
  autocorrelation,
  denoisedSweeps,
  driftOf,
  levelTest,
  logLevelChains,
  roundTrips,
} from './diagnostics.ts';
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
  const coordinates = Array.from({ length: d }, (_, c) => alongChains(points, sweeps, n, d, c));
  const of = coordinates.map(tell);
  const ess = of.reduce(
    (least, { ess: own }) => (Number.isNaN(own) ? least : Math.min(own, least)),
    info.ess,
  );
  const chain = describe(plan, state, cycles, of, points, ess);
  return {
    estimate: {
      names: Array.from({ length: d }, (_, c) => `x${c + 1}`),
      value: Float64Array.from(coordinates, meanOf),
      standardError: Float64Array.from(of, ({ standardError }) => standardError),
    },
    sample: { points, shape: [sweeps * n, d], logWeight: new Float64Array(sweeps * n) },
    chain,
    outcome,
    diagnostics: { ...info, ess, warnings: warningsOf(plan, chain, state.chains.moves) },
    provenance,
  };
}

function alongChains(points: Float64Array, sweeps: number, n: number, d: number, c: number): Float64Array[] {
  return Array.from({ length: n }, (_, i) =>
    Float64Array.from({ length: sweeps }, (_, s) => points[(s * n + i) * d + c]!),
  );
}

interface Told {
  readonly time: number;
  readonly ess: number;
  readonly standardError: number;
  readonly rHat: number;
}

const NOTHING: Told = {
  time: Number.NaN,
  ess: Number.NaN,
  standardError: Number.NaN,
  rHat: Number.NaN,
};

function tell(chains: readonly Float64Array[]): Told {
  if (chains[0]!.length < 4) return NOTHING;
  const { time, ess, standardError } = chainMemory(chains);
  if (!(time > 0)) return { ...NOTHING, rHat: splitRHat(chains) };
  return { time, ess, standardError, rHat: splitRHat(chains) };
}

function meanOf(chains: readonly Float64Array[]): number {
  let [sum, count] = [0, 0];
  for (const chain of chains) {
    for (const x of chain) sum += x;
    count += chain.length;
  }
  return sum / count;
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
  const logLevels = logLevelChains(plan, history);
  const logLevel = tell(logLevels);
  const histogram = new Float64Array(levels.length);
  for (const level of history) histogram[level]! += 1 / history.length;
  const modes = modesOf(source, points, n, skip);
  const evaluations = evaluationsOf(plan, state);
  return {
    levels: levels.slice(),
    prior: prior.slice(),
    histogram,
    levelDistance:
      cycles === 0 ? Number.NaN : 0.5 * prior.reduce((sum, p, g) => sum + Math.abs(p - histogram[g]!), 0),
    levelTest: levelTest(histogram, prior, logLevel.ess),
    acceptance: Float64Array.from(chains.taken, (taken, g) => taken / chains.moves[g]!),
    autocorrelation: autocorrelation(logLevels),
    memory: logLevel.time,
    longestMemory: most([logLevel.time, ...coordinates.map(({ time }) => time * skip)]),
    rHat: logLevel.rHat,
    worstRHat: most([logLevel.rHat, ...coordinates.map(({ rHat }) => rHat)]),
    roundTrips: roundTrips(prior, history, n),
    drift: driftOf(logLevels),
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

/** The largest of what is known; NaN where nothing is. */
function most(numbers: readonly number[]): number {
  const known = numbers.filter((x) => !Number.isNaN(x));
  return known.length === 0 ? Number.NaN : Math.max(...known);
}
