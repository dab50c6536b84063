import { chainMemory, splitRHat } from '../../engine/diagnostics/autocorrelation.ts';
import type { Ending, Info } from '../../engine/sampler.ts';
import type { Warning } from '../../engine/types.ts';
import type { ChainPlan } from './plan.ts';
import type { DenoisingMcmcState } from './state.ts';
import type { DenoisingChain, DenoisingMcmcResult } from './types.ts';

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
  const sweeps = state.skip === 0 ? 0 : Math.floor(cycles / state.skip);
  const points = state.points.slice(0, sweeps * n * d);
  const coordinates = Array.from({ length: d }, (_, c) => alongChains(points, sweeps, n, d, c));
  const of = coordinates.map(tell);
  const logLevel = tell(logLevelChains(plan, state.history.subarray(0, cycles * n)));
  const chain = describe(plan, state, cycles, logLevel, of);
  const ess = of.reduce(
    (least, { ess: own }) => (Number.isNaN(own) ? least : Math.min(own, least)),
    info.ess,
  );
  return {
    estimate: {
      names: Array.from({ length: d }, (_, c) => `x${c + 1}`),
      value: Float64Array.from(coordinates, meanOf),
      standardError: Float64Array.from(of, ({ standardError }) => standardError),
    },
    sample: { points, shape: [sweeps * n, d], logWeight: new Float64Array(sweeps * n) },
    chain,
    outcome,
    diagnostics: { ...info, ess, warnings: warningsOf(plan, chain) },
    provenance,
  };
}

/** log sigma of each chain, from levels [cycles, n]. */
export function logLevelChains({ levels, chains: n }: ChainPlan, history: Uint32Array): Float64Array[] {
  const logs = levels.map(Math.log);
  return Array.from({ length: n }, (_, i) =>
    Float64Array.from({ length: history.length / n }, (_, t) => logs[history[t * n + i]!]!),
  );
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
  logLevel: Told,
  coordinates: readonly Told[],
): DenoisingChain {
  const { levels, prior, chains: n } = plan;
  const { chains, skip, denoiser, denoiseEvaluations } = state;
  const histogram = new Float64Array(levels.length);
  for (let at = 0; at < cycles * n; at++) histogram[state.history[at]!]! += 1 / (cycles * n);
  const warmup = state.cycle > plan.warmup ? state.warmupEvaluations : denoiser.evaluations;
  return {
    levels: levels.slice(),
    prior: prior.slice(),
    histogram,
    levelDistance:
      cycles === 0 ? Number.NaN : 0.5 * prior.reduce((sum, p, g) => sum + Math.abs(p - histogram[g]!), 0),
    acceptance: Float64Array.from(chains.taken, (taken, g) => taken / chains.moves[g]!),
    memory: logLevel.time,
    longestMemory: most([logLevel.time, ...coordinates.map(({ time }) => time * skip)]),
    rHat: logLevel.rHat,
    worstRHat: most([logLevel.rHat, ...coordinates.map(({ rHat }) => rHat)]),
    stepSize: chains.stepSize,
    skip,
    cycles,
    evaluations: {
      warmup,
      chain: denoiser.evaluations - warmup - denoiseEvaluations,
      denoise: denoiseEvaluations,
    },
  };
}

/** The largest of what is known; NaN where nothing is. */
function most(numbers: readonly number[]): number {
  const known = numbers.filter((x) => !Number.isNaN(x));
  return known.length === 0 ? Number.NaN : Math.max(...known);
}

/** Autocorrelation times that a chain should hold, and the R-hat it should not pass. */
const LEAST_MEMORIES = 50;
const MOST_R_HAT = 1.05;

function warningsOf({ mode }: ChainPlan, chain: DenoisingChain): readonly Warning[] {
  const { cycles, longestMemory, worstRHat } = chain;
  const warnings: Warning[] = [];
  if (mode === 'published')
    warnings.push({
      code: 'chain-biased',
      message:
        "Mode 'published' takes every move and the most probable noise level, so its points do not follow the law of the data, however long it runs. Use mode 'exact'.",
    });
  if (cycles < LEAST_MEMORIES * longestMemory)
    warnings.push({
      code: 'chains-short',
      message: `Chains of ${cycles} cycles remember ${shown(longestMemory)}; expected at least ${LEAST_MEMORIES} times as many. Errors may be too small. Raise \`kept\` or \`skip\`.`,
      value: cycles / longestMemory,
      threshold: LEAST_MEMORIES,
    });
  if (worstRHat > MOST_R_HAT)
    warnings.push({
      code: 'chains-disagree',
      message: `Chains do not tell the same story: split R-hat ${shown(worstRHat)}, warned above ${MOST_R_HAT}. Raise \`warmup\` and \`kept\`.`,
      value: worstRHat,
      threshold: MOST_R_HAT,
    });
  return warnings;
}

function shown(x: number): number {
  return Number(x.toPrecision(3));
}
