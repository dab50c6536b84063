import { spaced } from '../../../engine/check.ts';
import { roundedInputs } from '../../../engine/model/single-precision.ts';
import type { IntervalEstimate, Warning } from '../../../engine/types.ts';
import { heavyWarning, unseenWarning, type WarnedMean } from '../weighted/weight-warnings.ts';
import type { ExpectationsPlan } from './plan.ts';
import type { ExpectationsState } from './state.ts';
import type { ExpectationDiagnostics } from './types.ts';

/** What an answer has to say beside its numbers. */
export function warningsOf(
  state: ExpectationsState,
  plan: ExpectationsPlan,
  diagnosticsOf: readonly ExpectationDiagnostics[],
  functionals: IntervalEstimate,
): readonly Warning[] {
  const { integrands, points } = state;
  const rounded = roundedInputs(integrands.place, plan.space);
  const told = (status: ExpectationDiagnostics['status']): readonly WarnedMean[] =>
    diagnosticsOf.flatMap((found, j) =>
      found.status === status
        ? [{ name: found.name, event: integrands.events.includes(j), shape: found.paretoShape }]
        : [],
    );
  return [
    ...heavyWarning(told('heavy'), heavyAdvice(plan)),
    ...unseenWarning(told('unseen'), points.n),
    ...oneReplicate(state, plan),
    ...outnumbered(integrands.count, plan),
    ...undefinedFunctionals(functionals),
    ...(rounded === undefined ? [] : [rounded]),
  ];
}

function heavyAdvice({ defensive }: ExpectationsPlan): string {
  return defensive < 0.05 ? 'Use defensive: 0.1, or more points.' : 'Use more points or stages.';
}

function oneReplicate({ points }: ExpectationsState, { design, replicates }: ExpectationsPlan): Warning[] {
  if (design === 'iid' || !points.final) return [];
  const whole = Math.floor(points.n / points.perReplicate);
  if (replicates > 1 && (whole >= 2 || points.n < points.planned)) return [];
  const message =
    'With one scramble there is no standard error. Use replicates: 8 for intervals (less sharp estimates).';
  return [{ code: 'one-replicate', message, value: 1, threshold: 2 }];
}

/** More functions to fit than points of a stage to fit them from. */
function outnumbered(count: number, { perStage }: ExpectationsPlan): Warning[] {
  if (count <= perStage) return [];
  const message = `${spaced(count)} expectations share stages of ${spaced(perStage)} points, too few to learn how to share the sample among them. Estimates stand; use more points or fewer stages for sharper ones.`;
  return [{ code: 'many-expectations', message, value: count, threshold: perStage }];
}

function undefinedFunctionals({ names, value }: IntervalEstimate): Warning[] {
  const bad = names.filter((_, s) => !Number.isFinite(value[s]!));
  if (bad.length === 0) return [];
  const more = bad.length === 1 ? '' : ` (and ${bad.length - 1} more)`;
  const message = `Functional \`${bad[0]!}\`${more} is no finite number at the estimated expectations, and is left out. An expectation in it may be unseen, or a denominator 0.`;
  return [{ code: 'functional-undefined', message, value: bad.length }];
}
