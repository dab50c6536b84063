export * from '../engine/index.ts';
export type * from './sensitivity/types.ts';
