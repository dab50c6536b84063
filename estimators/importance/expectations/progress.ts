import type { Info } from '../../../engine/sampler.ts';
import { finalSize } from './final.ts';
import type { ExpectationsPlan } from './plan.ts';
import type { ExpectationsState } from './state.ts';

/** Progress in points; while the proposal is adapted, of as many as there can be. */
export function infoOf(
  { integrands, points, search, stages, drawn }: ExpectationsState,
  plan: ExpectationsPlan,
): Info {
  const adapting = stages.length * plan.perStage;
  const total = search === undefined ? adapting + finalSize(adapting, plan).planned : plan.points;
  return { ess: points.n, evaluations: integrands.evaluations, warnings: [], done: drawn, total };
}
