import { EngineError, type Fault } from '../errors.ts';

/** The machines failed, not the method: nobody serves a run, a folder is full, a shard kills whoever computes it. */
export class ClusterError extends EngineError {
  /** The shard it is about, where it is about one. */
  readonly shard: number | undefined;
  constructor(fault: Fault & { readonly shard?: number }) {
    super('cluster', fault);
    this.shard = fault.shard;
  }
}

/** Two computations of one shard gave different bytes, so nothing of the run can be trusted. */
export class NondeterminismError extends EngineError {
  readonly shard: number;
  /** @param forget the command that takes the results away, where they stay otherwise. */
  constructor(where: string, shard: number, one: Told, other: Told, forget?: string) {
    super('nondeterminism', {
      where,
      found: `shard ${shard} has body ${one.hash.slice(0, 12)} from ${one.worker} and ${other.hash.slice(0, 12)} from ${other.worker}`,
      expected: 'the same bytes whoever computes it',
      fix: `Does the model use Math.random, the clock or another library on one machine?${forget === undefined ? '' : ` Before another try, its results are to go: ${forget}.`}`,
    });
    this.shard = shard;
  }
}

interface Told {
  readonly hash: string;
  /** 'node7, process 4711' */
  readonly worker: string;
}
