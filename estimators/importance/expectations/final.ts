import { sobolPoints } from '../../../engine/random/sobol.ts';
import type { Context } from '../../../engine/sampler.ts';
import { componentDensities } from './component-densities.ts';
import { controlSums } from './controls.ts';
import { choose, place } from './draw.ts';
import type { Evaluated, Integrands } from './integrands.ts';
import { lawShares, logLawMixture } from './law-mixture.ts';
import type { Proposal } from './proposal.ts';
import type { AdaptationSettings } from './settings.ts';
import { noteFailures, spaceOf } from './stage.ts';
import { type Drawn, drawIndependent } from './stage-draw.ts';
import type { AnswerPoints, ExpectationsState } from './state.ts';
import { countHits, summandsOf, termsOf } from './summands.ts';

/*
 * The final stage: fresh points under what was adapted, so that the estimate is unbiased.
 *
 * sobol   R independent scrambles of 2^k points in d + 1 dimensions, 2^k the largest with R 2^k <= what is left;
 *         (or, `scrambles: 'shared'`, the R consecutive parts of one net of as many points);
 *         coordinate 0 picks the component through the cumulative shares, the others become the point
 * iid     R replicates of what is left over R; whole numbers of points for each component, block by block
 *
 * Source: multiple-expectations, sections 4 and 5.
 */

/** Rows of one step, at most. */
const BLOCK = 16_384;

/** Room for the final points of a run whose adaptation has ended. */
function openFinal(
  state: ExpectationsState,
  settings: AdaptationSettings,
  evaluated: Evaluated,
): AnswerPoints {
  const { count } = state.integrands;
  const { planned, perReplicate } = finalSize(state.drawn, settings);
  const rows = evaluated.phi.length / count;
  return {
    final: true,
    n: 0,
    planned,
    perReplicate,
    independent: settings.design === 'iid',
    term: new Float64Array(planned * count),
    summand: new Float64Array(planned * count),
    constant: controlSums(state.adapted.control, count),
    logWeight: new Float64Array(planned),
    inputs: new Float64Array((planned * evaluated.inputs.length) / rows),
    outputs: new Float64Array((planned * evaluated.outputs.length) / rows),
    hits: new Uint32Array(count),
  };
}

/** How many final points there will be after `drawn` adapting ones. */
export function finalSize(
  drawn: number,
  { points, replicates, design }: AdaptationSettings,
): { readonly planned: number; readonly perReplicate: number } {
  const each = Math.floor((points - drawn) / replicates);
  const perReplicate = design === 'iid' ? each : 2 ** Math.floor(Math.log2(each));
  return { planned: perReplicate * replicates, perReplicate };
}

/** Draw and evaluate the next block of final points. */
export async function finalBlock(
  state: ExpectationsState,
  settings: AdaptationSettings,
  ctx: Context,
): Promise<void> {
  const { integrands, adapted } = state;
  const { count } = integrands;
  const done = state.points.final ? state.points.n : 0;
  const { perReplicate } = finalSize(adaptingPoints(state, settings), settings);
  const first = done % perReplicate;
  const n = Math.min(BLOCK, perReplicate - first);
  const replicate = Math.floor(done / perReplicate);
  const { x, proposal } =
    settings.design === 'sobol'
      ? await drawNet(adapted.proposal, integrands, ctx, { ...netRows(settings, done, perReplicate), n })
      : drawIndependent(adapted.proposal, spaceOf(integrands), settings.allocation, {
          rng: ctx.rng,
          step: settings.stages + Math.ceil(perReplicate / BLOCK) * replicate + first / BLOCK,
          n,
        });
  const evaluated = await integrands.evaluate(x, n);
  if (!state.points.final) state.points = openFinal(state, settings, evaluated);
  const points = state.points;
  const logMixture = new Float64Array(n);
  logLawMixture(evaluated, lawShares(integrands), logMixture);
  const densities = await componentDensities(ctx.backend, proposal, x, logMixture);
  const found = termsOf(integrands, evaluated, densities);
  points.term.set(found.terms, done * count);
  points.summand.set(summandsOf(found, adapted.control, count), done * count);
  for (let i = 0; i < n; i++) points.logWeight[done + i] = evaluated.logBase[i]! - found.logProposal[i]!;
  points.inputs.set(evaluated.inputs, (done / n) * evaluated.inputs.length);
  points.outputs.set(evaluated.outputs, (done / n) * evaluated.outputs.length);
  countHits(integrands, evaluated, points.hits);
  noteFailures(state, evaluated);
  points.n += n;
  state.drawn += n;
}

/** The net and the rows of it that come after `done` final points. */
function netRows(
  { scrambles }: AdaptationSettings,
  done: number,
  perReplicate: number,
): { readonly replicate: number; readonly first: number } {
  if (scrambles === 'shared') return { replicate: 0, first: done };
  return { replicate: Math.floor(done / perReplicate), first: done % perReplicate };
}

/** Points the adaptation took. */
function adaptingPoints(state: ExpectationsState, settings: AdaptationSettings): number {
  return state.stages.length * settings.perStage;
}

/** Points first.. of one scrambled net, as points of the proposal. */
async function drawNet(
  proposal: Proposal,
  integrands: Integrands,
  ctx: Context,
  at: { readonly replicate: number; readonly first: number; readonly n: number },
): Promise<Drawn> {
  const d = integrands.dimension;
  const net = await sobolPoints({ dimension: d + 1, rng: ctx.rng, replicate: at.replicate });
  const points = new Float64Array(at.n * (d + 1));
  await net.fill(points, at.first, at.n);
  const pick = new Float64Array(at.n);
  const u = new Float64Array(at.n * d);
  for (let i = 0; i < at.n; i++) {
    pick[i] = points[i * (d + 1)]!;
    for (let c = 0; c < d; c++) u[i * d + c] = points[i * (d + 1) + 1 + c]!;
  }
  place(proposal, choose(proposal.share, pick), u, spaceOf(integrands));
  return { x: u, proposal };
}
