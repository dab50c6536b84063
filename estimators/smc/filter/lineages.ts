import type { StateArray } from '../../../engine/array/codec.ts';
import { type Families, LAGS } from '../../../engine/diagnostics/genealogy-variance.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import type { StateFields } from '../state-space.ts';

/** The ancestors of the particles some steps back: a window of ancestors, not of states. */
export interface Lineages {
  /** Take note of the step just made. */
  record(): void;
  /** Families of run r by the ancestors `lag` steps back, after `record`; since step 0 when there were fewer steps. */
  families(run: number, lag: number): Families | undefined;
  snapshot(): {
    readonly resampled: readonly (readonly boolean[])[];
    readonly arrays: Record<string, StateArray>;
  };
  restore(resampled: readonly (readonly boolean[])[], arrays: Readonly<Record<string, StateArray>>): void;
}

interface Move {
  /** [R] whether a run was resampled. */
  readonly resampled: readonly boolean[];
  /** [R N] slots of the parents; undefined when no run moved. */
  readonly ancestor: Uint32Array | undefined;
}

/** Memory and time of a step are of order 20 R N. Source: Olsson & Douc (2019). */
export function makeLineages(smc: Smc<StateFields>): Lineages {
  const longest = Math.max(...LAGS);
  const n = smc.count;
  const moves: Move[] = [];
  const slot = new Uint32Array(n * smc.runs.length);
  const back = new Map<number, Uint32Array>(LAGS.map((lag) => [lag, slot.slice()]));

  const trace = (): void => {
    for (let i = 0; i < slot.length; i++) slot[i] = i;
    for (let lag = 1; lag <= moves.length; lag++) {
      const { ancestor } = moves[moves.length - lag]!;
      if (ancestor !== undefined) for (let i = 0; i < slot.length; i++) slot[i] = ancestor[slot[i]!]!;
      back.get(lag)?.set(slot);
    }
  };

  return {
    record() {
      if (smc.step > 0) {
        const resampled = smc.runs.map((run) => run.resampled);
        const ancestor = resampled.includes(true) ? smc.particles.ancestor.slice() : undefined;
        moves.push({ resampled, ancestor });
        if (moves.length > longest) moves.shift();
      }
      trace();
    },
    families(run, lag) {
      if (smc.step < lag) return { family: smc.eve(run), resamplings: smc.runs[run]!.resamplings };
      let resamplings = 0;
      for (const move of moves.slice(-lag)) if (move.resampled[run]) resamplings++;
      return { family: back.get(lag)!.subarray(run * n, (run + 1) * n), resamplings };
    },
    snapshot: () => ({
      resampled: moves.map((move) => move.resampled),
      arrays: Object.fromEntries(
        moves.flatMap(({ ancestor }, i) => (ancestor === undefined ? [] : [[`move${i}`, ancestor]])),
      ),
    }),
    restore(resampled, arrays) {
      moves.length = 0;
      for (const [i, flags] of resampled.entries()) {
        const ancestor = arrays[`move${i}`];
        moves.push({
          resampled: flags,
          ancestor: ancestor === undefined ? undefined : Uint32Array.from(ancestor),
        });
      }
      trace();
    },
  };
}
