import { spaced } from '../../../engine/check.ts';
import type { Warning } from '../../../engine/types.ts';
import { HEAVY, percent, THIN } from '../trust.ts';
import type { SteeringState } from './open-chain.ts';

/** What a steered chain has to say about itself. `largest`: the largest final weight, NaN when all are dead. */
export function steeringWarnings(state: SteeringState, largest: number): Warning[] {
  return [...collapsed(state), ...forgotten(state), ...thin(state), ...heavy(state, largest)];
}

function collapsed({ smc }: SteeringState): Warning[] {
  const dead = smc.runs.filter((run) => run.collapsedAt !== undefined).length;
  if (dead === 0) return [];
  const who =
    smc.runs.length === 1
      ? `None of ${spaced(smc.count)} particles has a positive weight, so log Z is -Infinity.`
      : `${dead} of ${smc.runs.length} runs lost all their particles and count as Z = 0.`;
  const message = `${who} Use more particles, or a reward that is finite where the chain goes.`;
  return [{ code: 'collapse', message, value: dead, threshold: 0 }];
}

function forgotten({ chain, smc }: SteeringState): Warning[] {
  const steps = chain.dropped.reduce((sum, each) => sum + each, 0);
  if (steps === 0) return [];
  const message = `At ${steps} of ${(smc.step + 1) * smc.runs.length} steps weights were dropped without resampling, as the released code does, so the sample is not the tilt. Leave out \`compat\`.`;
  return [{ code: 'weights-dropped', message, value: steps, threshold: 0 }];
}

function thin({ chain, trace, smc }: SteeringState): Warning[] {
  // Candidates that were not chosen are no lost weight.
  if (chain.plan.method.candidates !== undefined) return [];
  const worst = trace.reduce((least, { ess }) => Math.min(least, ess), smc.count);
  if (!(worst > 0 && worst < THIN * smc.count)) return [];
  const step = trace.findIndex(({ ess }) => ess === worst);
  const message = `At step ${step} only ${spaced(Math.max(1, Math.round(worst)))} of ${spaced(smc.count)} particles counted (warned below 5 %), and what follows rests on those few. Use more particles or steps.`;
  return [{ code: 'thin-weights', message, value: worst / smc.count, threshold: THIN }];
}

function heavy({ chain, smc }: SteeringState, largest: number): Warning[] {
  if (chain.plan.method.candidates !== undefined) return [];
  if (smc.finished && largest > HEAVY && smc.count * smc.runs.length > 1) {
    const message = `One particle holds ${percent(largest)} of the final weight (warned above 50 %). The sample is nearly a single point.`;
    return [{ code: 'one-weight', message, value: largest, threshold: HEAVY }];
  }
  return [];
}
