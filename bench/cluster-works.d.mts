import type { Work, WorkTable } from '../estimators/cluster.ts';

export declare const spin: Work<{ readonly milliseconds?: number; readonly bytes?: number }, Float64Array>;
export declare const works: WorkTable;
