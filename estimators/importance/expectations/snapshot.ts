import { decodeState, encodeState, type StateArray } from '../../../engine/array/codec.ts';
import { OptionError, type PointFailure } from '../../../engine/errors.ts';
import { isOtherKernel } from '../../../engine/model/local.ts';
import { savedAdapter } from '../../../engine/model/place.ts';
import { checkSavedRun } from '../../../engine/saved-run.ts';
import type { Integrands } from './integrands.ts';
import type { SavedProblem } from './problem.ts';
import type { Proposal } from './proposal.ts';
import type { AnswerPoints, ExpectationsState, Search } from './state.ts';
import type { AdaptationStage } from './types.ts';

/** What tells runs apart. */
export interface RunIdentity {
  readonly where: string;
  readonly fingerprint: string;
  readonly kernel: string | undefined;
}

type Arrays = Readonly<Record<string, StateArray>>;
type Listed<T, K extends keyof T> = Omit<T, K> & { readonly [key in K]: readonly number[] };

/** What a snapshot holds besides arrays. */
interface Saved {
  readonly plan: string;
  readonly kernel?: string | undefined;
  readonly key: readonly [number, number];
  readonly problem: SavedProblem;
  readonly dimension: number;
  readonly count: number;
  readonly stages: readonly Listed<AdaptationStage, 'share'>[];
  /** Stages of the search's history, and points of each; absent once the search has ended. */
  readonly search?: { readonly stages: number; readonly perStage: number } | undefined;
  readonly points: Pick<AnswerPoints, 'final' | 'n' | 'planned' | 'perReplicate' | 'independent'>;
  readonly failures: readonly Listed<PointFailure, 'input'>[];
  readonly failed: number;
  readonly drawn: number;
}

/** A state as bytes. */
export function writeSnapshot(state: ExpectationsState, run: RunIdentity): Uint8Array {
  const { integrands, adapted, search, points, key } = state;
  const { final, n, planned, perReplicate, independent } = points;
  const { dimension, count, evaluations, outputs } = integrands;
  const header: Saved = {
    plan: run.fingerprint,
    kernel: run.kernel,
    key,
    problem: { evaluations, adapter: savedAdapter(integrands.place), outputs },
    dimension,
    count,
    stages: state.stages.map((stage) => ({ ...stage, share: [...stage.share] })),
    search: search && { stages: search.history.proposals.length, perStage: search.history.perStage },
    points: { final, n, planned, perReplicate, independent },
    failures: state.failures.map((failure) => ({ ...failure, input: [...failure.input] })),
    failed: state.failed,
    drawn: state.drawn,
  };
  const { plainVariance, adaptingHits, rung } = state;
  return encodeState(header, {
    plainVariance,
    adaptingHits,
    rung,
    control: adapted.control,
    ...proposalArrays('adapted', adapted.proposal),
    ...prefixed('points', pointArrays(points)),
    ...(search === undefined ? {} : searchArrays(search)),
  });
}

/** A snapshot that belongs to this run, before its problem is open. */
export interface ReadSnapshot {
  readonly problem: SavedProblem;
  readonly header: Saved;
  readonly arrays: Arrays;
}

/** @throws OptionError when the bytes are no snapshot, or of a method with other options or another seed. */
export function readSnapshot(
  bytes: Uint8Array,
  run: RunIdentity,
  key: readonly [number, number],
): ReadSnapshot {
  const { header, arrays } = decodeState(bytes);
  const saved = header as Saved | null;
  checkSavedRun(
    run.where,
    saved,
    { plan: run.fingerprint, key },
    'other inputs, laws, expectations or options',
  );
  if (isOtherKernel(saved.kernel, run.kernel)) {
    throw new OptionError({
      where: run.where,
      option: 'from',
      value: saved.kernel,
      found: 'the saved state belongs to a run with another kernel',
      expected: 'a snapshot of the same method with the same model',
    });
  }
  return { problem: saved.problem, header: saved, arrays };
}

/** The state of a snapshot, once its problem is open. */
export function stateOf({ header, arrays }: ReadSnapshot, integrands: Integrands): ExpectationsState {
  const { key, failed, drawn, dimension, count, search } = header;
  const shape = { dimension, count };
  const floats = (name: string): Float64Array => arrays[name] as Float64Array;
  return {
    key,
    integrands,
    adapted: { proposal: readProposal('adapted', arrays, shape), control: floats('control') },
    stages: header.stages.map((stage) => ({ ...stage, share: Float64Array.from(stage.share) })),
    search: search && readSearch(arrays, search, shape),
    plainVariance: floats('plainVariance'),
    adaptingHits: arrays.adaptingHits as Uint32Array,
    rung: floats('rung'),
    points: readPoints(header.points, arrays),
    failures: header.failures.map((failure) => ({ ...failure, input: Float64Array.from(failure.input) })),
    failed,
    drawn,
  };
}

function prefixed(name: string, arrays: Arrays): Arrays {
  return Object.fromEntries(Object.entries(arrays).map(([own, array]) => [`${name}.${own}`, array]));
}

function proposalArrays(name: string, proposal: Proposal): Arrays {
  const { share, first, partShare, mean, lower, whiten, logPeak } = proposal;
  return prefixed(name, { share, first, partShare, mean, lower, whiten, logPeak });
}

function readProposal(name: string, arrays: Arrays, shape: Pick<Proposal, 'dimension' | 'count'>): Proposal {
  const floats = (own: string): Float64Array => arrays[`${name}.${own}`] as Float64Array;
  return {
    ...shape,
    share: floats('share'),
    first: arrays[`${name}.first`] as Uint32Array,
    partShare: floats('partShare'),
    mean: floats('mean'),
    lower: floats('lower'),
    whiten: floats('whiten'),
    logPeak: floats('logPeak'),
  };
}

function pointArrays({ term, summand, constant, logWeight, inputs, outputs, hits }: AnswerPoints): Arrays {
  return { term, summand, constant, logWeight, inputs, outputs, hits };
}

function readPoints(saved: Saved['points'], arrays: Arrays): AnswerPoints {
  const floats = (own: string): Float64Array => arrays[`points.${own}`] as Float64Array;
  return {
    ...saved,
    term: floats('term'),
    summand: floats('summand'),
    constant: floats('constant'),
    logWeight: floats('logWeight'),
    inputs: floats('inputs'),
    outputs: floats('outputs'),
    hits: arrays['points.hits'] as Uint32Array,
  };
}

function searchArrays(search: Search): Arrays {
  const { history, control, summand, summandRung, logProposal } = search;
  const { x, phi, law, top, scores, logMixture, logBalance } = history;
  return {
    ...prefixed('search', { control, summand, summandRung, logProposal }),
    ...prefixed('history', { x, phi, law, top, scores, logMixture, logBalance }),
    ...Object.assign({}, ...history.proposals.map((proposal, t) => proposalArrays(`stage${t}`, proposal))),
  };
}

function readSearch(
  arrays: Arrays,
  { stages, perStage }: NonNullable<Saved['search']>,
  shape: Pick<Proposal, 'dimension' | 'count'>,
): Search {
  const floats = (own: string): Float64Array => arrays[own] as Float64Array;
  return {
    history: {
      perStage,
      proposals: Array.from({ length: stages }, (_, t) => readProposal(`stage${t}`, arrays, shape)),
      x: floats('history.x'),
      phi: floats('history.phi'),
      law: floats('history.law'),
      top: floats('history.top'),
      scores: floats('history.scores'),
      logMixture: floats('history.logMixture'),
      logBalance: floats('history.logBalance'),
    },
    control: floats('search.control'),
    summand: floats('search.summand'),
    summandRung: floats('search.summandRung'),
    logProposal: floats('search.logProposal'),
  };
}
