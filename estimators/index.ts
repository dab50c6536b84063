export * from '../engine/index.ts';
export { monteCarlo } from './importance/monte-carlo.ts';
export type { MonteCarloOptions, MonteCarloResult } from './importance/monte-carlo-types.ts';
export type { Event } from './importance/output-statistics.ts';
export { type AskOptions, type SobolDesign, sobolAnalyze, sobolDesign } from './sensitivity/ask-tell.ts';
export {
  fromSalib,
  parseSalib,
  type SalibInputs,
  type SalibProblem,
  type SalibSource,
} from './sensitivity/salib.ts';
export { sobolIndices } from './sensitivity/sobol-indices.ts';
export type * from './sensitivity/types.ts';
export { type FilterOptions, type FilterResult, particleFilter } from './smc/filter/particle-filter.ts';
export type * from './smc/state-space.ts';
