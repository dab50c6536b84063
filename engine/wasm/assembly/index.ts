// Every kernel of the module. A kernel has a JavaScript twin of the same name in ../twins and does the same
// operations in the same order; arrays are byte offsets into the imported memory, indices are unsigned.
export { expInto, logInto } from './elementary';
export { philoxWords, uniform } from './philox';
export { normal, normalQuantiles } from './normal';
export { squareBlocks, sumBlocks } from './sums';
export { sobolPoints, sobolWords } from './sobol';
export {
  expShiftBlocks,
  maxBlocks,
  quantiseBlocks,
  reweighBlocks,
  riseBlocks,
  scanBlocks,
  weightedCrossBlocks,
  weightedSumBlocks,
} from './weights';
export {
  countUp,
  exponentials,
  gatherRows,
  gatherWords,
  mergeAncestors,
  repeatAncestors,
  searchAncestors,
  sspRound,
  stratifiedAncestors,
  systematicAncestors,
  wholeCopies,
} from './resampling';
export { killingAncestors, metropolisAncestors, rejectionAncestors } from './resampling-draws';
export { bootstrapSums, indexSums, resampleCounts } from './indices';
export { pickFreeze } from './designs';
export { componentDensities, shareBlocks } from './components';
export { weightedMoments } from './moments';
export { mixtureLogDensity, mixtureScore } from './mixture';
export { langevin, randomWalk } from './moves';
export { affineLogDensity, affineNormal, volatilityLogDensity } from './affine';
export { combineRows } from './combine';
export { logisticGradient, logisticLogDensity } from './logistic';
export { correctorMoments, correctorMove, correctorPotential, correctorRates } from './corrector';
