import { TERM, TERM_WORDS } from '../../math/sobol-terms.ts';
import { BLOCK, sumBlocks } from './sums.ts';

/**
 * Sums of row terms over the rows of a design, see engine/math/sobol-terms.ts.
 *
 * Column c of the outputs starts at y[base + c * stride]; u is an output less `centre`. Differences are taken
 * left to right, products of two differences are differences first.
 */
const rows = new Float64Array(BLOCK);

/** Term number t of `program` for rows from..from + count - 1 into out[at ..]. */
export function fillTerm(
  program: Uint32Array,
  t: number,
  y: Float64Array,
  base: number,
  stride: number,
  centre: number,
  from: number,
  count: number,
  out: Float64Array,
  at: number,
): void {
  const w = t * TERM_WORDS;
  const i = base + program[w + 1]! * stride + from;
  const j = base + program[w + 2]! * stride + from;
  const k = base + program[w + 3]! * stride + from;
  const l = base + program[w + 4]! * stride + from;
  switch (program[w]) {
    case TERM.value:
      for (let r = 0; r < count; r++) out[at + r] = y[i + r]! - centre;
      break;
    case TERM.product:
      for (let r = 0; r < count; r++) out[at + r] = (y[i + r]! - centre) * (y[j + r]! - centre);
      break;
    case TERM.change:
      for (let r = 0; r < count; r++) out[at + r] = (y[i + r]! - centre) * (y[j + r]! - y[k + r]!);
      break;
    case TERM.gap:
      for (let r = 0; r < count; r++) {
        const g = y[i + r]! - y[j + r]!;
        out[at + r] = g * g;
      }
      break;
    case TERM.cross:
      for (let r = 0; r < count; r++) out[at + r] = (y[i + r]! - y[j + r]!) * (y[k + r]! - y[l + r]!);
      break;
    case TERM.gaps:
      for (let r = 0; r < count; r++) {
        const g = y[i + r]! - y[j + r]!;
        const h = y[k + r]! - y[l + r]!;
        out[at + r] = g * g + h * h;
      }
      break;
    case TERM.products:
      for (let r = 0; r < count; r++) {
        out[at + r] =
          (y[i + r]! - centre) * (y[j + r]! - centre) + (y[k + r]! - centre) * (y[l + r]! - centre);
      }
      break;
    case TERM.squares:
      for (let r = 0; r < count; r++) {
        const g = y[i + r]! - centre;
        const h = y[j + r]! - centre;
        out[at + r] = g * g + h * h;
      }
      break;
    case TERM.corner:
      for (let r = 0; r < count; r++) {
        const g = y[i + r]! - y[j + r]! - (y[k + r]! - y[l + r]!);
        out[at + r] = g * g;
      }
      break;
    case TERM.total:
      for (let r = 0; r < count; r++) out[at + r] = y[i + r]! - centre + (y[j + r]! - centre);
      break;
  }
}

/**
 * Sums of `terms` terms over blocks of 1024 rows, the leaves of the fixed tree: partial[b * terms + t] for blocks
 * lo..hi-1 of the n rows that start at y[base].
 */
export function indexSums(
  y: Float64Array,
  base: number,
  stride: number,
  n: number,
  program: Uint32Array,
  terms: number,
  centre: number,
  partial: Float64Array,
  lo: number,
  hi: number,
): void {
  for (let b = lo; b < hi; b++) {
    const from = b * BLOCK;
    const count = Math.min(n - from, BLOCK);
    for (let t = 0; t < terms; t++) {
      fillTerm(program, t, y, base, stride, centre, from, count, rows, 0);
      sumBlocks(rows, count, sum, 0, 1);
      partial[b * terms + t] = sum[0]!;
    }
  }
}

const sum = new Float64Array(1);
