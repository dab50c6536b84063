import type { Arena, Backend } from '../../../engine/backend/backend.ts';
import { ValueError } from '../../../engine/errors.ts';
import { makeMoments } from '../../../engine/particles/moments.ts';
import type { AdditiveFunctional } from './additive-functional.ts';
import { type RunFrame, takeRows } from './run-frame.ts';

/** What the paths of all runs were at the steps gone through so far. */
export interface PathRecord {
  /** [R, T, d]; NaN where not reached. */
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  /** [R, k] sums of the terms gone through. */
  readonly functional: Float64Array;
  /** [R, P, T, d], or nothing. */
  readonly paths: Float64Array;
  /** The smallest effective number of distinct particles at a step, and that step. */
  pathEss: number;
  pathEssAt: number;
}

/** Particles that the paths of a run pass through at one step, with the weights of the paths. */
export interface Crossing {
  readonly run: number;
  readonly step: number;
  readonly frame: RunFrame;
  /** [P] */
  readonly slot: Uint32Array;
  /** [P], arena; any scale. */
  readonly weight: Float64Array;
  readonly sum: number;
  /** The same paths at the step after; absent at the last one. */
  readonly after: { readonly frame: RunFrame; readonly slot: Uint32Array } | undefined;
}

export interface RecordSize {
  readonly where: string;
  readonly runs: number;
  /** N */
  readonly particles: number;
  /** P */
  readonly paths: number;
  /** T */
  readonly steps: number;
  /** d */
  readonly dimension: number;
  readonly functional: AdditiveFunctional | undefined;
  /** Whether to keep the paths themselves. */
  readonly keepPaths: boolean;
}

export function makeRecord(size: RecordSize): PathRecord {
  const { runs, paths, steps, dimension, functional, keepPaths } = size;
  const curve = (): Float64Array => new Float64Array(runs * steps * dimension).fill(Number.NaN);
  return {
    mean: curve(),
    variance: curve(),
    functional: new Float64Array(runs * (functional?.names.length ?? 0)),
    paths: new Float64Array(keepPaths ? runs * paths * steps * dimension : 0),
    pathEss: Infinity,
    pathEssAt: -1,
  };
}

/** Writes crossings into a record, with work arrays of its own. */
export function makeRecorder(
  backend: Backend,
  arena: Arena,
  size: RecordSize,
  record: PathRecord,
): (crossing: Crossing) => Promise<void> {
  const { where, particles: n, paths, steps, dimension: d, functional, keepPaths } = size;
  const moments = makeMoments({ backend, arena, particles: paths, components: d });
  const x = arena.f64(paths * d);
  const next = arena.f64(functional === undefined ? 0 : paths * d);
  const k = functional?.names.length ?? 0;
  const terms = arena.f64(paths * k);
  const share = arena.f64(n);

  const addTerms = (run: number, step: number, weight: Float64Array, sum: number): void => {
    checkTerms(where, step, terms, k, weight);
    for (let p = 0; p < paths; p++) {
      if (weight[p] === 0) continue;
      for (let c = 0; c < k; c++) record.functional[run * k + c]! += (weight[p]! / sum) * terms[p * k + c]!;
    }
  };

  return async ({ run, step, frame, slot, weight, sum, after }) => {
    takeRows(frame.x, d, slot, paths, x);
    const { mean, covariance } = await moments.take(x, weight, sum);
    const at = (run * steps + step) * d;
    record.mean.set(mean, at);
    for (let c = 0; c < d; c++) record.variance[at + c] = covariance[c * d + c]!;
    for (let p = 0; keepPaths && p < paths; p++) {
      const to = ((run * paths + p) * steps + step) * d;
      for (let c = 0; c < d; c++) record.paths[to + c] = x[p * d + c]!;
    }
    const ess = distinctEss(slot, weight, sum, share);
    if (ess < record.pathEss) [record.pathEss, record.pathEssAt] = [ess, step];
    if (functional === undefined) return;
    if (after !== undefined) {
      takeRows(after.frame.x, d, after.slot, paths, next);
      functional.term(step + 1, x, next, terms);
      addTerms(run, step + 1, weight, sum);
    }
    if (step === 0 && functional.initial !== undefined) {
      functional.initial(x, terms);
      addTerms(run, 0, weight, sum);
    }
  };
}

/** 1 / sum over slots of their squared share of the paths. */
function distinctEss(slot: Uint32Array, weight: Float64Array, sum: number, share: Float64Array): number {
  share.fill(0);
  for (let p = 0; p < slot.length; p++) share[slot[p]!]! += weight[p]! / sum;
  let squares = 0;
  for (let i = 0; i < share.length; i++) squares += share[i]! * share[i]!;
  return 1 / squares;
}

/** @throws ValueError when a term that counts is not finite. */
export function checkTerms(
  where: string,
  step: number,
  terms: Float64Array,
  k: number,
  weight: Float64Array,
): void {
  const rows = k === 0 ? 0 : terms.length / k;
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < k; c++) {
      if (Number.isFinite(terms[row * k + c]) || weight[row] === 0) continue;
      throw new ValueError({
        where,
        found: `the functional is ${terms[row * k + c]} at step ${step}, row ${row}, sum ${c}`,
        expected: 'a finite number',
        index: row,
      });
    }
  }
}
