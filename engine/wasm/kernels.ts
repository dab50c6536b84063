import { affineLogDensity, affineNormal, volatilityLogDensity } from './twins/affine.ts';
import { bootstrapSums, resampleCounts } from './twins/bootstrap.ts';
import { combineRows } from './twins/combine.ts';
import { componentDensities, shareBlocks } from './twins/components.ts';
import { correctorMoments, correctorMove, correctorPotential, correctorRates } from './twins/corrector.ts';
import { expInto, logInto } from './twins/elementary.ts';
import { indexSums } from './twins/index-sums.ts';
import { logisticGradient, logisticLogDensity } from './twins/logistic.ts';
import { mixtureLogDensity, mixtureScore } from './twins/mixture.ts';
import { weightedMoments } from './twins/moments.ts';
import { langevin, randomWalk } from './twins/moves.ts';
import { normal, normalQuantiles } from './twins/normal.ts';
import { philoxWords, uniform } from './twins/philox.ts';
import { pickFreeze } from './twins/pick-freeze.ts';
import {
  countUp,
  exponentials,
  gatherRows,
  gatherWords,
  killingAncestors,
  mergeAncestors,
  metropolisAncestors,
  rejectionAncestors,
  repeatAncestors,
  searchAncestors,
  sspRound,
  stratifiedAncestors,
  systematicAncestors,
  wholeCopies,
} from './twins/resampling.ts';
import { sobolPoints, sobolWords } from './twins/sobol.ts';
import { sumBlocks } from './twins/sums.ts';
import {
  expShiftBlocks,
  maxBlocks,
  quantiseBlocks,
  reweighBlocks,
  riseBlocks,
  scanBlocks,
  squareBlocks,
  weightedCrossBlocks,
  weightedSumBlocks,
} from './twins/weights.ts';

/**
 * Every kernel of the core, by name: a pure function over typed arrays and numbers whose last two arguments
 * are the range [lo, hi) it works on (rows, elements or blocks). The WASM module exports the same names with
 * the arrays as byte offsets; the loader puts both behind this one type.
 */
export interface Kernels {
  readonly philoxWords: typeof philoxWords;
  readonly uniform: typeof uniform;
  readonly normal: typeof normal;
  readonly normalQuantiles: typeof normalQuantiles;
  readonly expInto: typeof expInto;
  readonly logInto: typeof logInto;
  readonly sumBlocks: typeof sumBlocks;
  readonly indexSums: typeof indexSums;
  readonly resampleCounts: typeof resampleCounts;
  readonly bootstrapSums: typeof bootstrapSums;
  readonly pickFreeze: typeof pickFreeze;
  readonly sobolWords: typeof sobolWords;
  readonly sobolPoints: typeof sobolPoints;
  readonly expShiftBlocks: typeof expShiftBlocks;
  readonly maxBlocks: typeof maxBlocks;
  readonly quantiseBlocks: typeof quantiseBlocks;
  readonly reweighBlocks: typeof reweighBlocks;
  readonly riseBlocks: typeof riseBlocks;
  readonly scanBlocks: typeof scanBlocks;
  readonly squareBlocks: typeof squareBlocks;
  readonly weightedCrossBlocks: typeof weightedCrossBlocks;
  readonly weightedSumBlocks: typeof weightedSumBlocks;
  readonly combineRows: typeof combineRows;
  readonly countUp: typeof countUp;
  readonly exponentials: typeof exponentials;
  readonly gatherRows: typeof gatherRows;
  readonly gatherWords: typeof gatherWords;
  readonly killingAncestors: typeof killingAncestors;
  readonly mergeAncestors: typeof mergeAncestors;
  readonly metropolisAncestors: typeof metropolisAncestors;
  readonly rejectionAncestors: typeof rejectionAncestors;
  readonly repeatAncestors: typeof repeatAncestors;
  readonly searchAncestors: typeof searchAncestors;
  readonly sspRound: typeof sspRound;
  readonly stratifiedAncestors: typeof stratifiedAncestors;
  readonly systematicAncestors: typeof systematicAncestors;
  readonly wholeCopies: typeof wholeCopies;
  readonly componentDensities: typeof componentDensities;
  readonly shareBlocks: typeof shareBlocks;
  readonly weightedMoments: typeof weightedMoments;
  readonly mixtureScore: typeof mixtureScore;
  readonly mixtureLogDensity: typeof mixtureLogDensity;
  readonly randomWalk: typeof randomWalk;
  readonly langevin: typeof langevin;
  readonly affineNormal: typeof affineNormal;
  readonly affineLogDensity: typeof affineLogDensity;
  readonly volatilityLogDensity: typeof volatilityLogDensity;
  readonly logisticLogDensity: typeof logisticLogDensity;
  readonly logisticGradient: typeof logisticGradient;
  readonly correctorRates: typeof correctorRates;
  readonly correctorMove: typeof correctorMove;
  readonly correctorPotential: typeof correctorPotential;
  readonly correctorMoments: typeof correctorMoments;
}

export const twins: Kernels = {
  philoxWords,
  uniform,
  normal,
  normalQuantiles,
  expInto,
  logInto,
  sumBlocks,
  indexSums,
  resampleCounts,
  bootstrapSums,
  pickFreeze,
  sobolWords,
  sobolPoints,
  expShiftBlocks,
  maxBlocks,
  quantiseBlocks,
  reweighBlocks,
  riseBlocks,
  scanBlocks,
  squareBlocks,
  weightedCrossBlocks,
  weightedSumBlocks,
  combineRows,
  countUp,
  exponentials,
  gatherRows,
  gatherWords,
  killingAncestors,
  mergeAncestors,
  metropolisAncestors,
  rejectionAncestors,
  repeatAncestors,
  searchAncestors,
  sspRound,
  stratifiedAncestors,
  systematicAncestors,
  wholeCopies,
  componentDensities,
  shareBlocks,
  weightedMoments,
  mixtureScore,
  mixtureLogDensity,
  randomWalk,
  langevin,
  affineNormal,
  affineLogDensity,
  volatilityLogDensity,
  logisticLogDensity,
  logisticGradient,
  correctorRates,
  correctorMove,
  correctorPotential,
  correctorMoments,
};

export type KernelName = keyof Kernels;
export type KernelArray = Float64Array | Float32Array | Uint32Array | Int32Array | Uint8Array;
/** The arguments of a kernel without its range. */
export type KernelArgs<K extends KernelName> =
  Parameters<Kernels[K]> extends [...infer Head, number, number] ? Head : never;
