import { recentred, TERM, TERM_WORDS, type TermOperation } from '../../engine/math/sobol-terms.ts';
import { treeSum } from '../../engine/wasm/twins/sums.ts';
import type { RowSample } from './sample.ts';
import type { Segment } from './store.ts';
import { SUM_BLOCK, type SumProgram, type SumStore } from './sum-store.ts';

/** Whole blocks of some segments as one sample, for the terms of a program that the store has. */
export function sumSample(store: SumStore, segments: readonly Segment[], words: Uint32Array): RowSample {
  const { outputs, program } = store;
  const blocks = blocksOf(segments);
  const n = blocks.length * SUM_BLOCK;
  const places = placesOf(words, program);
  return {
    outputs,
    n,
    async centre(s) {
      const a = total(store, blocks, s, program.columns[0]!);
      const b = total(store, blocks, s, program.columns.at(-1)!);
      return pilotOf(store, s) + (a + b) / (2 * n);
    },
    async means(s, centre, out) {
      const columns = program.columns.map((t) => total(store, blocks, s, t));
      const column = (c: number): number => columns[c]!;
      places.forEach((t, q) => {
        out[q] = centred(program, t, total(store, blocks, s, t), column, pilotOf(store, s) - centre, n) / n;
      });
    },
  };
}

/** Sum of the squares of output s in A and B about a centre. */
export function squaresAbout(
  store: SumStore,
  segments: readonly Segment[],
  s: number,
  centre: number,
): number {
  const { program } = store;
  const blocks = blocksOf(segments);
  const [t] = placesOf(Uint32Array.of(TERM.squares, 0, program.columns.length - 1, 0, 0), program);
  const column = (c: number): number => total(store, blocks, s, program.columns[c]!);
  const sum = total(store, blocks, s, t!);
  return centred(program, t!, sum, column, pilotOf(store, s) - centre, blocks.length * SUM_BLOCK);
}

/** The centre about which output s was summed; there is one wherever there are blocks. */
function pilotOf({ pilot }: SumStore, s: number): number {
  return pilot![2 * s]!;
}

/** Numbers of the blocks of some segments. */
export function blocksOf(segments: readonly Segment[]): readonly number[] {
  return segments.flatMap(({ from, n }) =>
    Array.from({ length: n / SUM_BLOCK }, (_, b) => from / SUM_BLOCK + b),
  );
}

/** Sum of term t of output s over some blocks, by the fixed tree. */
function total(store: SumStore, blocks: readonly number[], s: number, t: number): number {
  const { sums, outputs, program } = store;
  const partial = Float64Array.from(blocks, (block) => sums[(block * outputs + s) * program.terms + t]!);
  return treeSum(partial, blocks.length);
}

/** The sum of term t about another centre; `column` answers the sum of a column about the old one. */
function centred(
  { words }: SumProgram,
  t: number,
  sum: number,
  column: (c: number) => number,
  shift: number,
  n: number,
): number {
  const [operation, i, j, k, l] = words.subarray(t * TERM_WORDS, (t + 1) * TERM_WORDS);
  const read = [column(i!), column(j!), column(k!), column(l!)] as const;
  return recentred(operation as TermOperation, sum, read, shift, n);
}

/** Where the terms of some words stand in a program. */
function placesOf(words: Uint32Array, program: SumProgram): readonly number[] {
  const places = new Map(keysOf(program.words).map((key, t) => [key, t]));
  return keysOf(words).map((key) => places.get(key)!);
}

function keysOf(words: Uint32Array): readonly string[] {
  return Array.from({ length: words.length / TERM_WORDS }, (_, t) =>
    words.subarray(t * TERM_WORDS, (t + 1) * TERM_WORDS).join(),
  );
}
