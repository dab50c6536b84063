import { toInputs } from '../../../engine/distribution/normal-space.ts';
import { outputOf } from '../../../engine/model/event.ts';
import { toldPlace } from '../../../engine/model/place.ts';
import { pooledLogWeight } from '../../../engine/particles/smc/pooled.ts';
import type { Ending, Info } from '../../../engine/sampler.ts';
import type { Outcome, Warning } from '../../../engine/types.ts';
import type { ClimbEnd, Climbed } from './climb.ts';
import { logProbabilityOf, oneRun, probabilityOf, WITHOUT_ERROR } from './log-probability.ts';
import type { RarePlan, RareState } from './rare-plan.ts';
import type { RareEventResult } from './types.ts';

/** Moves that are accepted less often leave particles where they were copied. */
const LEAST_ACCEPTANCE = 0.1;

/** Before all runs have ended there is no probability of the event yet: only levels, and the sample above the last one. */
export function rareAnswer(state: RareState, plan: RarePlan, ending: Ending, info: Info): RareEventResult {
  const { smc, climbs, score } = state;
  const survivors = climbs.map(({ climbed }) => climbed.map((level) => level.survivors));
  // Replacing only the dead is no scheme whose variance the genealogy tells.
  const scheme = plan.method.replaceDead ? undefined : 'multinomial';
  // Levels are chosen from the particles.
  const found = logProbabilityOf(
    smc,
    survivors.map((shares, r) => ({ shares, ended: climbs[r]!.end !== undefined })),
    scheme,
  );
  // A run that gave up tells a bound, of which there is no standard error.
  const bound = climbs.some(({ end }) => end === 'too-rare');
  const logProbability = { ...found, ...(bound ? WITHOUT_ERROR : {}), unbiased: false };
  const { value } = logProbability;
  const warnings = [
    ...warningsOf(
      climbs.map(({ climbed }) => climbed),
      smc.count,
    ),
    ...oneRun(logProbability),
  ];
  return {
    estimate: {
      names: ['log probability'],
      value: Float64Array.of(value),
      standardError: Float64Array.of(logProbability.standardError),
    },
    sample: sampleOf(state, plan),
    outcome: outcomeOf(state, plan, ending),
    diagnostics: { ...info, warnings },
    provenance: toldPlace(ending.provenance, score.evaluator.place),
    logProbability,
    probability: probabilityOf(logProbability, plan.level),
    levels: climbs[0]!.climbed.map(({ value: level, survivors, acceptance }) => ({
      value: outputOf(plan.event, level),
      survivors,
      acceptance,
    })),
  };
}

/** The inputs of all runs, weighted by their normalizing constants. */
function sampleOf({ smc }: RareState, { space }: RarePlan): RareEventResult['sample'] {
  const z = smc.particles.field('z');
  const n = z.length / space.dimension;
  const points = new Float64Array(z.length);
  toInputs(space, z, n, points);
  return { points, shape: [n, space.dimension], logWeight: pooledLogWeight(smc) };
}

function outcomeOf({ smc, climbs }: RareState, { least }: RarePlan, ending: Ending): Outcome {
  const count = (end: ClimbEnd): number => climbs.filter((climb) => climb.end === end).length;
  if (!smc.finished || count('event') === climbs.length) return ending.outcome;
  const rare = count('too-rare');
  const message =
    rare > 0
      ? `${rare} of ${climbs.length} runs passed a probability of ${least} without meeting the event: it is rarer than that, or impossible.`
      : `${count('died-out')} of ${climbs.length} runs died out before the event and count as 0: all their particles had one score, as copies of one do. Use more particles or moves.`;
  return { kind: 'degenerate', ess: smc.runs.reduce((sum, run) => sum + run.ess, 0), message };
}

/** The worst stretch of levels over which N particles moved, if moves were hardly ever accepted there. */
function warningsOf(runs: readonly (readonly Climbed[])[], particles: number): readonly Warning[] {
  let worst = { acceptance: Infinity, level: 0 };
  for (const climbed of runs) {
    let [accepted, moved] = [0, 0];
    for (const [level, { acceptance, movers }] of climbed.entries()) {
      if (movers === 0) continue;
      accepted += acceptance * movers;
      moved += movers;
      if (moved < particles) continue;
      if (accepted / moved < worst.acceptance) worst = { acceptance: accepted / moved, level };
      [accepted, moved] = [0, 0];
    }
  }
  if (worst.acceptance >= LEAST_ACCEPTANCE) return [];
  const percent = (worst.acceptance * 100).toPrecision(2);
  const message = `At level ${worst.level} only ${percent} % of the moves were accepted (warned below 10 %): particles there are copies of few, and the error is larger than ideal. Use more moves, or kernel: componentwise().`;
  return [{ code: 'moves-refused', message, value: worst.acceptance, threshold: LEAST_ACCEPTANCE }];
}
