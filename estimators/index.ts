export * from '../engine/index.ts';
export type * from './sensitivity/types.ts';
export { type AskOptions, type SobolDesign, sobolAnalyze, sobolDesign } from './sensitivity/ask-tell.ts';
export { sobolIndices } from './sensitivity/sobol-indices.ts';
