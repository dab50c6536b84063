import type { PointFailure } from '../../../engine/errors.ts';
import type { History } from './history.ts';
import type { Integrands } from './integrands.ts';
import type { Proposal } from './proposal.ts';
import type { AdaptationStage } from './types.ts';

/**
 * Points whose rows stand for the answer: those of the final stage so far, or, before there are any, those of the
 * newest adapting stage under coefficients that do not depend on them.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | T_ij | term | [n, J] |
 * | T_ij - sum_k B_jk R_ik | summand | [n, J] |
 * | sum_k B_jk | constant | [J] |
 * | log f_0 - log g_alpha | logWeight | [n] |
 *
 * The estimate is mean_i summand + constant. Arrays have room for all rows to come; rows n.. are not filled.
 */
export interface AnswerPoints {
  /** Whether these are the final points; the others are only looked at while the proposal is being adapted. */
  readonly final: boolean;
  /** Rows so far, and when all are there. */
  n: number;
  readonly planned: number;
  /** Rows of one replicate. Row i belongs to replicate floor(i / perReplicate); replicates are independent. */
  readonly perReplicate: number;
  /**
   * Rows are independent, or of whole numbers by component, for which the error of independent rows is conservative.
   * Otherwise only whole replicates can be compared.
   */
  readonly independent: boolean;
  readonly term: Float64Array;
  readonly summand: Float64Array;
  readonly constant: Float64Array;
  readonly logWeight: Float64Array;
  /** [n, inputs] and [n, k] */
  readonly inputs: Float64Array;
  readonly outputs: Float64Array;
  /** [J] rows at which phi_j f_j was not 0. */
  readonly hits: Uint32Array;
}

/** What the adaptation has learned. */
export interface Adapted {
  /** g_1..g_J, the mixture of the laws as the last component, and their shares alpha. */
  readonly proposal: Proposal;
  /** B [J, J + 1]: coefficients of R_k - 1, the last that of the mixture of the laws; beta_j is B_jj. */
  readonly control: Float64Array;
}

/** What only the adaptation reads; gone once it has ended. */
export interface Search {
  readonly history: History;
  /** B [J, J + 1] for the functions that events are represented by. */
  control: Float64Array;
  /** T - B R at the newest stage's points [N_k, J], for the same functions, their rungs [J], and log g_alpha [N_k]. */
  summand: Float64Array;
  summandRung: Float64Array;
  logProposal: Float64Array;
}

/** Everything an unfinished run of `expectations` holds. The answer reads all but `search`. */
export interface ExpectationsState {
  readonly key: readonly [number, number];
  readonly integrands: Integrands;
  adapted: Adapted;
  readonly stages: AdaptationStage[];
  /** Undefined once the proposal is settled: the steps to come are those of the final stage. */
  search: Search | undefined;
  /** [J] variance of one point's phi_j f_j / q_0 at the first stage, which is plain Monte Carlo. */
  plainVariance: Float64Array;
  /** [J] adapting points at which phi_j f_j was not 0. */
  readonly adaptingHits: Uint32Array;
  /** [J] threshold of the score up to which the ladder of a rare event came; 0 where it arrived or there is none. */
  rung: Float64Array;
  points: AnswerPoints;
  failures: PointFailure[];
  failed: number;
  /** Points drawn so far. */
  drawn: number;
}
