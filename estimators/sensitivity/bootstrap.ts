import type { Arena, Backend } from '../../engine/backend/backend.ts';
import { evaluateFormulas } from '../../engine/math/sobol-formulas.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { channel, type Rng } from '../../engine/random/rng.ts';
import { LANES } from '../../engine/wasm/twins/bootstrap.ts';
import { BLOCK, blockCount } from '../../engine/wasm/twins/sums.ts';
import { aggregate, type Estimates, valueRows } from './estimates.ts';
import type { Quantities } from './quantities.ts';
import type { Columns } from './store.ts';

/** Resamples drawn at a time at most, and bytes of their counts: nothing of size rows x resamples is ever built. */
const WAVE = 128;
const MOST_COUNTS = 2 ** 21;
/** Numbers of partial sums kept at a time. */
const MOST_PARTIAL = 2 ** 22;
const TASKS = 8;

/**
 * Resampled values [valueRows * Q, resamples] of all quantities: rows are resampled jointly for all columns and
 * outputs. Counts of a wave of resamples times row terms gives its sums; the formulas do the rest. The centre stays
 * that of the sample, which has no first-order effect.
 */
export async function bootstrap(
  backend: Backend,
  rng: Rng,
  columns: Columns,
  from: number,
  estimates: Estimates,
  quantities: Quantities,
  resamples: number,
): Promise<Float64Array> {
  const { outputs } = columns;
  const { formulas, terms, variance } = quantities;
  const { n } = estimates;
  const size = formulas.length;
  const result = new Float64Array(valueRows(outputs) * size * resamples);
  const arena = backend.arena();
  const wave = LANES * Math.max(1, Math.ceil(Math.min(WAVE, resamples, MOST_COUNTS / n) / LANES));
  const memory = openMemory(arena, quantities, n, wave);
  const values = new Float64Array(valueRows(outputs) * size * wave);
  const [k0, k1] = rng.key;
  try {
    for (let first = 0; first < resamples; first += wave) {
      const drawn = Math.min(wave, Math.ceil((resamples - first) / LANES) * LANES);
      const address = [n, k0, k1, first, channel(PURPOSE.bootstrap)] as const;
      await backend.dispatch('resampleCounts', [memory.counts, ...address], drawn, 1);
      for (let s = 0; s < outputs; s++) {
        const sums = await resampledSums(backend, columns, from, s, estimates, quantities, memory, drawn);
        for (let r = 0; r < drawn; r++) {
          const own = values.subarray(
            (r * valueRows(outputs) + s) * size,
            (r * valueRows(outputs) + s + 1) * size,
          );
          evaluateFormulas(formulas, sums, estimates.centre[s]!, own, r * terms);
        }
      }
      for (let r = 0; r < Math.min(drawn, resamples - first); r++) {
        const own = values.subarray(r * valueRows(outputs) * size, (r + 1) * valueRows(outputs) * size);
        if (outputs > 1) aggregate(own, outputs, size, variance);
        for (let q = 0; q < own.length; q++) result[q * resamples + first + r] = own[q]!;
      }
    }
  } finally {
    arena.release();
  }
  return result;
}

interface Memory {
  readonly program: Uint32Array;
  readonly counts: Uint8Array;
  readonly scratch: Float64Array;
  readonly partial: Float64Array;
  /** Blocks of rows whose partial sums are kept at a time, a power of two: a whole subtree of the fixed tree. */
  readonly chunk: number;
}

function openMemory(arena: Arena, quantities: Quantities, n: number, wave: number): Memory {
  const { program, terms } = quantities;
  const fitting = 2 ** Math.floor(Math.log2(Math.max(1, MOST_PARTIAL / (terms * wave))));
  const chunk = Math.min(fitting, 2 ** Math.ceil(Math.log2(blockCount(n))));
  const words = arena.u32(program.length);
  words.set(program);
  return {
    program: words,
    counts: arena.u8(n * wave),
    scratch: arena.f64(TASKS * (wave + 2) * BLOCK),
    partial: arena.f64(chunk * terms * wave),
    chunk,
  };
}

/** Means of the terms of output s in each of `drawn` resamples, [drawn, terms]. */
async function resampledSums(
  backend: Backend,
  columns: Columns,
  from: number,
  s: number,
  estimates: Estimates,
  quantities: Quantities,
  memory: Memory,
  drawn: number,
): Promise<Float64Array> {
  const { terms } = quantities;
  const { program, counts, scratch, partial, chunk } = memory;
  const { n } = estimates;
  const blocks = blockCount(n);
  const chunks = Math.ceil(blocks / chunk);
  const kept = new Float64Array(chunks * terms * drawn);
  const base = s * columns.rows * columns.stride + from;
  const centre = estimates.centre[s]!;
  for (let c = 0; c < chunks; c++) {
    const count = Math.min(chunk, blocks - c * chunk);
    const tasks = Math.min(TASKS, count);
    const place = [counts, drawn, c * chunk * BLOCK, count, tasks, scratch, partial] as const;
    const input = [columns.y, base, columns.stride, n, program, terms, centre] as const;
    await backend.dispatch('bootstrapSums', [...input, ...place], tasks, 1);
    const width = terms * drawn;
    foldBlocks(partial, count, width);
    kept.set(partial.subarray(0, width), c * width);
  }
  foldBlocks(kept, chunks, terms * drawn);
  const sums = new Float64Array(drawn * terms);
  for (let t = 0; t < terms; t++) {
    for (let r = 0; r < drawn; r++) sums[r * terms + t] = kept[t * drawn + r]! / n;
  }
  return sums;
}

/** The fixed tree over rows of `partial` [blocks, width] at once, in the order of memory; the sums are row 0. */
function foldBlocks(partial: Float64Array, blocks: number, width: number): void {
  for (let left = blocks; left > 1; left = (left + 1) >> 1) {
    const half = left >> 1;
    for (let b = 0; b < half; b++) {
      const to = b * width;
      const [one, two] = [2 * to, 2 * to + width];
      for (let i = 0; i < width; i++) partial[to + i] = partial[one + i]! + partial[two + i]!;
    }
    if (left & 1) partial.copyWithin(half * width, (left - 1) * width, left * width);
  }
}
