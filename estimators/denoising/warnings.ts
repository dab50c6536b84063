import type { Warning } from '../../engine/types.ts';
import type { ChainPlan } from './plan.ts';
import type { DenoisingChain } from './types.ts';

/** Autocorrelation times that a chain should hold, and the R-hat it should not pass. */
const LEAST_MEMORIES = 50;
const MOST_R_HAT = 1.05;
/** Chance of a histogram of levels below which it is not that of the prior, and errors of a drift that is none. */
const LEAST_CHANCE = 1e-6;
const MOST_DRIFT = 5;
/** Share of moves below which a level holds its chains, judged by this many moves. */
const LEAST_ACCEPTANCE = 0.05;
const ENOUGH_MOVES = 200;

/** What makes the points of chains less than they look. */
export function warningsOf(plan: ChainPlan, chain: DenoisingChain, moves: Uint32Array): readonly Warning[] {
  return [
    ...biased(plan),
    ...coarse(plan),
    ...lengths(chain),
    ...stuck(chain, moves),
    ...(plan.mode === 'exact' ? levelsOff(chain) : []),
  ];
}

function biased({ mode, pick, source }: ChainPlan): readonly Warning[] {
  const why =
    mode === 'published'
      ? "Mode 'published' takes every move and the most probable noise level"
      : mode === 'unadjusted'
        ? `Mode 'unadjusted' takes every move${source.kind === 'heat' ? ', and its levels are drawn by an approximation' : ''}`
        : pick === 'min-sigma'
          ? "`pick: 'min-sigma'` keeps the state of the smallest level of a window"
          : undefined;
  if (why === undefined) return [];
  const message = `${why}, so the points do not follow the law of the data, however long the run. Where densities are known, mode 'exact' with pick 'last' does.`;
  return [{ code: 'chain-biased', message }];
}

/** sd(log sigma given x) is about 1 / sqrt(2 d). */
function coarse({ levels, denoiser }: ChainPlan): readonly Warning[] {
  const threshold = 1 / Math.sqrt(2 * denoiser.dimension);
  const value = levels.slice(1).reduce((gap, level, g) => Math.max(gap, Math.log(level / levels[g]!)), 0);
  if (value <= threshold) return [];
  const needed = Math.ceil(Math.log(levels[levels.length - 1]! / levels[0]!) / threshold) + 1;
  const message = `Noise levels are up to ${shown(value)} apart in their logarithm, wider than the law of a level given a point, ${shown(threshold)}: chains seldom change level. Use ${needed} or more.`;
  return [{ code: 'levels-coarse', message, value, threshold }];
}

/** Chains that are too short for what they remember, or disagree. */
export function lengths({
  cycles,
  longestMemory,
  worstRHat,
}: Pick<DenoisingChain, 'cycles' | 'longestMemory' | 'worstRHat'>): readonly Warning[] {
  const warnings: Warning[] = [];
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

function stuck(
  { roundTrips, acceptance, levels, cycles }: DenoisingChain,
  moves: Uint32Array,
): readonly Warning[] {
  const held = acceptance.findIndex((rate, g) => moves[g]! >= ENOUGH_MOVES && rate < LEAST_ACCEPTANCE);
  if (held >= 0) {
    const message = `At noise level ${shown(levels[held]!)} only ${shown(100 * acceptance[held]!)} % of the moves were accepted: chains are stuck there. Use a smaller \`stepSize\`, or a smallest level nearer to the spread of a mode.`;
    return [{ code: 'chains-stuck', message, value: acceptance[held]!, threshold: LEAST_ACCEPTANCE }];
  }
  const still = roundTrips.reduce((sum, trips) => sum + (trips === 0 ? 1 : 0), 0);
  if (cycles === 0 || 2 * still <= roundTrips.length) return [];
  const message = `${still} of ${roundTrips.length} chains never went from the lowest levels to the highest and back in ${cycles} cycles, so they know the modes near their start. Run longer, or start many chains from 'denoised'.`;
  return [{ code: 'chains-stuck', message, value: still / roundTrips.length, threshold: 0.5 }];
}

function levelsOff({ levelTest, levelDistance, drift }: DenoisingChain): readonly Warning[] {
  const { probability } = levelTest;
  if (probability < LEAST_CHANCE) {
    const message = `The levels do not follow their prior (distance ${shown(levelDistance)}, chance ${probability.toExponential(1)}): \`levelLaw\` does not belong to the denoiser, or the chains are not there yet.`;
    return [{ code: 'levels-off', message, value: probability, threshold: LEAST_CHANCE }];
  }
  const value = Math.abs(drift.slope / drift.standardError);
  if (!(value > MOST_DRIFT)) return [];
  const message = `The noise levels drift: log sigma changes by ${drift.slope.toExponential(1)} a cycle, ${shown(value)} errors from 0. The chains are not stationary yet: raise \`warmup\`.`;
  return [{ code: 'levels-off', message, value, threshold: MOST_DRIFT }];
}

function shown(x: number): number {
  return Number(x.toPrecision(3));
}
