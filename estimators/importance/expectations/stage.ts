import type { Backend } from '../../../engine/backend/backend.ts';
import { KEPT_FAILURES } from '../../../engine/model/missing.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import type { Context } from '../../../engine/sampler.ts';
import { type Learned, learn } from './adapt.ts';
import { weightedRows } from './component-densities.ts';
import { controlCoefficients, controlSums, diagonalControl } from './controls.ts';
import type { Space } from './draw.ts';
import { append, emptyHistory, type History, rowsOf, type StagePoints } from './history.ts';
import type { Evaluated, Integrands } from './integrands.ts';
import { nextRung } from './ladder.ts';
import { lawShares } from './law-mixture.ts';
import { columnVariances, lossOf, type Weighting, weightingOf } from './loss.ts';
import { lawsAlone } from './proposal.ts';
import type { AdaptationSettings } from './settings.ts';
import { drawIndependent } from './stage-draw.ts';
import type { AnswerPoints, ExpectationsState, Search } from './state.ts';
import { countHits, summandsOf, type Terms, termsOf } from './summands.ts';
import { logGain, stageLosses } from './worth.ts';

/** The first stage: plain Monte Carlo under the mixture of the laws. */
export async function firstStage(
  integrands: Integrands,
  settings: AdaptationSettings,
  ctx: Context,
): Promise<ExpectationsState> {
  const { count, dimension } = integrands;
  const history = emptyHistory(integrands, settings.perStage, settings.stages);
  const at = { rng: ctx.rng, step: 0, n: settings.perStage };
  const { x, proposal } = drawIndependent(
    lawsAlone(dimension, count),
    spaceOf(integrands),
    settings.allocation,
    at,
  );
  const evaluated = await integrands.evaluate(x, settings.perStage);
  const points = { proposal, mixed: new Float64Array(0), x, evaluated };
  const { fresh } = await append(ctx.backend, history, points, lawShares(integrands));
  const plain = termsOf(integrands, evaluated, fresh);
  const none = new Float64Array(count * (count + 1));
  const { search, loss } = openSearch(integrands, settings, history, plain, (rung) =>
    isClimbing(rung) ? termsOf(integrands, evaluated, fresh, rung) : plain,
  );
  const state: ExpectationsState = {
    key: ctx.rng.key,
    integrands,
    adapted: { proposal, control: none },
    stages: [],
    search,
    plainVariance: columnVariances(plain.terms, count),
    adaptingHits: new Uint32Array(count),
    rung: search.summandRung,
    points: answerPoints(integrands, evaluated, plain, none),
    failures: [],
    failed: 0,
    drawn: settings.perStage,
  };
  note(state, settings, evaluated, { loss, share: proposal.share });
  return state;
}

/** What later stages start from: beta_j = I^_j, and what the first points say of the loss. */
function openSearch(
  integrands: Integrands,
  settings: AdaptationSettings,
  history: History,
  plain: Terms,
  standing: (rung: Float64Array) => Terms,
): { readonly search: Search; readonly loss: number } {
  const { count } = integrands;
  const summandRung = rungs(history, integrands, settings);
  const stands = standing(summandRung);
  const mean = columnMeans(stands.terms, count);
  const control = diagonalControl(settings.controls === 'none' ? new Float64Array(count) : mean);
  const summand = summandsOf(stands, control, count);
  const weighting = weightingOf(settings, columnMeans(stands.terms.map(Math.abs), count), mean);
  const { logProposal } = plain;
  const search = { history, control, summand, summandRung, logProposal };
  return { search, loss: lossOf(summand, count, weighting) };
}

/** One more stage: fit, draw, measure, and decide whether it was worth it. */
export async function nextStage(
  state: ExpectationsState,
  search: Search,
  settings: AdaptationSettings,
  ctx: Context,
): Promise<void> {
  const { integrands, rung } = state;
  const { count } = integrands;
  const { history, control } = search;
  const step = state.stages.length;
  const start = (j: number): number =>
    ctx.rng.stream({ purpose: PURPOSE.permutation, step, particle: j }).uniform();
  const { signal, backend } = ctx;
  const arena = backend.arena();
  let points: StagePoints;
  let learned: Learned;
  try {
    learned = await learn({ backend, arena, history, integrands, settings, control, rung, start, signal });
    const at = { rng: ctx.rng, step, n: settings.perStage };
    const drawn = drawIndependent(learned.proposal, spaceOf(integrands), settings.allocation, at);
    const mixed = weightedRows(learned.ratio, drawn.proposal.share, rowsOf(history), count + 1);
    points = { ...drawn, mixed, evaluated: await integrands.evaluate(drawn.x, settings.perStage) };
  } finally {
    arena.release();
  }
  const { proposal, evaluated } = points;
  const found = await measure(state, search, settings, points, learned.weighting, backend);
  state.stages[step - 1] = { ...state.stages[step - 1]!, certificate: learned.shares.certificate };
  state.drawn += settings.perStage;
  if (found.adopted !== undefined) state.adapted = { proposal, control: found.adopted };
  note(state, settings, evaluated, { loss: found.after, share: proposal.share });
  if (!found.paid) state.search = undefined;
}

/** Takes the new points into the search, and says whether they were worth it and which B to adopt with their mixture. */
async function measure(
  state: ExpectationsState,
  search: Search,
  settings: AdaptationSettings,
  points: StagePoints,
  weighting: Weighting,
  backend: Backend,
): Promise<{ readonly paid: boolean; readonly after: number; readonly adopted: Float64Array | undefined }> {
  const { integrands } = state;
  const { count } = integrands;
  const { history, control } = search;
  const { mixed, evaluated } = points;
  const last = rowsOf(history) - settings.perStage;
  const gainAtOld = logGain(history.logBalance.subarray(last), mixed.subarray(last), search.logProposal);
  const { fresh, before } = await append(backend, history, points, lawShares(integrands));
  const rung = rungs(history, integrands, settings);
  const plain = termsOf(integrands, evaluated, fresh);
  const stands = isClimbing(rung) ? termsOf(integrands, evaluated, fresh, rung) : plain;
  const old = termsOf(integrands, evaluated, before, rung);
  const next = controlCoefficients(settings.controls, stands.terms, stands.densities, count);
  const losses = stageLosses(
    {
      old: search.summand,
      oldAtNew: summandsOf(old, control, count),
      fresh: summandsOf(stands, next, count),
      gainAtOld,
      gainAtNew: plain.logProposal.map((own, i) => own - old.logProposal[i]!),
    },
    count,
    weighting,
    settings.published,
  );
  const climbing = isClimbing(rung) || isClimbing(search.summandRung);
  const left = settings.points - state.drawn;
  const paid = climbing || losses.before / left > losses.after / (left - settings.perStage);
  const better = paid || settings.keep === 'newest' || losses.after <= losses.before;
  state.points = answerPoints(integrands, evaluated, plain, control);
  state.rung = rung;
  search.control = next;
  search.summand = summandsOf(stands, next, count);
  search.summandRung = rung;
  search.logProposal = plain.logProposal;
  const adopted = isClimbing(rung)
    ? controlCoefficients(settings.controls, plain.terms, plain.densities, count)
    : next;
  return { paid, after: losses.after, adopted: better ? adopted : undefined };
}

/** Where the points of a proposal come from. */
export function spaceOf(integrands: Integrands): Space {
  return {
    transport: (law, u, x) => integrands.transport(law, u, x),
    lawShare: lawShares(integrands),
  };
}

/** The first 1000 failed points, and their number. */
export function noteFailures(state: ExpectationsState, { failures }: Evaluated): void {
  state.failed += failures.length;
  state.failures.push(...failures.slice(0, Math.max(0, KEPT_FAILURES - state.failures.length)));
}

/** The record of a stage; the last one that fits ends the search. */
function note(
  state: ExpectationsState,
  settings: AdaptationSettings,
  evaluated: Evaluated,
  { loss, share }: { readonly loss: number; readonly share: Float64Array },
): void {
  countHits(state.integrands, evaluated, state.adaptingHits);
  noteFailures(state, evaluated);
  state.stages.push({ points: settings.perStage, loss, share: share.slice(), certificate: Number.NaN });
  const full = state.drawn + settings.perStage > Math.floor(settings.points / 2);
  if (full || state.stages.length === settings.stages) state.search = undefined;
}

/** Whether some event still stands for a wider one. */
function isClimbing(rung: Float64Array): boolean {
  return rung.some((value) => value < 0);
}

/** [J] */
function rungs(history: History, integrands: Integrands, settings: AdaptationSettings): Float64Array {
  const { events, count } = integrands;
  const rung = new Float64Array(count);
  if (settings.published) return rung;
  const n = rowsOf(history);
  events.forEach((j, e) => {
    rung[j] = nextRung(history.scores, events.length, e, n, settings.perStage);
  });
  return rung;
}

function columnMeans(z: Float64Array, count: number): Float64Array {
  const n = z.length / count;
  const mean = new Float64Array(count);
  for (let i = 0; i < n; i++) for (let j = 0; j < count; j++) mean[j] = mean[j]! + z[i * count + j]! / n;
  return mean;
}

/** A stage's points under coefficients that were fixed before they were drawn: unbiased, and independent given the past. */
function answerPoints(
  integrands: Integrands,
  evaluated: Evaluated,
  found: Terms,
  control: Float64Array,
): AnswerPoints {
  const { count } = integrands;
  const n = found.logProposal.length;
  const hits = new Uint32Array(count);
  countHits(integrands, evaluated, hits);
  return {
    final: false,
    n,
    planned: n,
    perReplicate: n,
    independent: true,
    term: found.terms.slice(),
    summand: summandsOf(found, control, count),
    constant: controlSums(control, count),
    logWeight: found.logProposal.map((own, i) => evaluated.logBase[i]! - own),
    inputs: evaluated.inputs,
    outputs: evaluated.outputs,
    hits,
  };
}
