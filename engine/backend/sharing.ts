import { post, settle } from '../pool/caller.ts';
import { type Call, inZones, type Line, runCalls, STRIDE } from '../pool/line.mjs';
import type { Pool } from '../pool/pool.ts';
import type { RawKernel } from '../wasm/loader.ts';

/** Short work shared with workers that look out for some, from start to end without a turn of the event loop. */
export interface Sharing {
  /** Do all of it with at most `helpers` workers; false, and nothing done, when none of them looks out. */
  run(work: Work, helpers: number): boolean;
}

interface Work {
  readonly calls: readonly Call[];
  /** Cells. */
  readonly count: number;
  readonly piece: number;
}

/** Waits longer than this, in milliseconds, are those for a worker that has lost its processor. */
const USUAL = 0.2;
/** Such waits may take this share of the time, once they have taken `BURST` milliseconds; else there is no sharing. */
const SHARE = 0.03;
const BURST = 6;

/**
 * @param kernels by number.
 * @param counters of the shared memory, from which pieces are claimed: `STRIDE` for each thread.
 */
export function makeSharing(pool: Pool, kernels: readonly RawKernel[], counters: Uint32Array): Sharing {
  const mayWait = makeAllowance();
  return {
    run({ calls, count, piece }, helpers) {
      if (!mayWait(0)) return false;
      const lines = pool.lines(helpers);
      const zones = lines.length + 1;
      for (let zone = 0; zone < zones; zone++) Atomics.store(counters, zone * STRIDE, 0);
      const job = { calls, counters: counters.byteOffset };
      // The zone of a worker that has just given up is done by the others.
      const posted = lines.filter((line, k) => post(line, job, { count, piece, zone: k + 1, zones }));
      if (posted.length === 0) return false;
      try {
        inZones((lo, hi) => runCalls(kernels, calls, lo, hi), counters, { count, piece, zone: 0, zones });
      } finally {
        const start = performance.now();
        settleAll(posted);
        mayWait(performance.now() - start);
      }
      return true;
    },
  };
}

/** All of them, even when one fails: nothing may still write when the caller goes on. */
function settleAll(lines: readonly Line[]): void {
  let failed: { readonly error: unknown } | undefined;
  for (const line of lines) {
    try {
      settle(line);
    } catch (error) {
      failed = { error };
    }
  }
  if (failed !== undefined) throw failed.error;
}

/**
 * Takes note of a wait; tells whether another one may be risked. So a worker that has no processor of its own costs
 * little, and is asked again now and then.
 * @param clock milliseconds.
 */
export function makeAllowance(clock: () => number = () => performance.now()): (waited: number) => boolean {
  let lost = 0;
  let last = clock();
  return (waited) => {
    const now = clock();
    lost = Math.max(0, lost - SHARE * (now - last));
    last = now;
    if (waited > USUAL) lost += waited;
    return lost < BURST;
  };
}
