import type { WorkTable } from '../../engine/cluster/registry.ts';
import type { Work } from '../../engine/cluster/types.ts';

export declare const sums: Work<{ readonly slow?: number }, Float64Array>;
export declare const wrong: Work<
  { readonly way?: string; readonly at?: number; readonly bytes?: number },
  Float64Array
>;
export declare const works: WorkTable;
