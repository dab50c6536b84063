import { TERM, TERM_WORDS } from '../../math/sobol-terms.ts';
import { BLOCK, treeSum } from '../../wasm/twins/sums.ts';
import type { Shader } from '../gpu/types.ts';

/** Terms a work group adds up at a time: one for each 32 of its 256 lanes, so that these agree on the operation. */
const AT_ONCE = 8;

/**
 * Sums of row terms (engine/math/sobol-terms.ts) over blocks of 1024 base points: `partial` [blocks, outputs, terms].
 * Items = blocks * outputs.
 *
 * `y` [n, rows, outputs] as a kernel leaves it; `program` [terms, 5]. `centre` [outputs, 2] holds for each output the
 * number that is subtracted and a power of two by which the difference is multiplied, so that squares neither
 * overflow nor vanish in float32: sums are of outputs so scaled, see `unscaleSums`. A lane adds 32 rows, lanes are added by
 * pairs; relative to the sum of |terms| a block is right to about 1e-7. Blocks are added on the host in float64.
 */
export const indexSums: Shader<'y' | 'program' | 'centre' | 'partial', 'n' | 'rows' | 'outputs' | 'terms'> = {
  name: 'indexSums',
  buffers: { y: 'read f32', program: 'read u32', centre: 'read f32', partial: 'write f32' },
  params: { n: 'u32', rows: 'u32', outputs: 'u32', terms: 'u32' },
  per: 'group',
  code: `var<workgroup> part: array<f32, LANES>;
struct Term { operation: u32, i: u32, j: u32, k: u32, l: u32, centre: f32, scale: f32 }
fn term_of(t: u32, s: u32) -> Term {
  let w = ${TERM_WORDS}u * t;
  let o = p.outputs;
  return Term(program[w], program[w + 1u] * o + s, program[w + 2u] * o + s, program[w + 3u] * o + s,
    program[w + 4u] * o + s, centre[2u * s], centre[2u * s + 1u]);
}
fn term_at(t: Term, row: u32) -> f32 {
  if (row >= p.n) { return 0.0; }
  let base = row * p.rows * p.outputs;
  let yi = y[base + t.i];
  let ui = (yi - t.centre) * t.scale;
  if (t.operation == ${TERM.value}u) { return ui; }
  let yj = y[base + t.j];
  let uj = (yj - t.centre) * t.scale;
  let gap = (yi - yj) * t.scale;
  switch (t.operation) {
    case ${TERM.product}u: { return ui * uj; }
    case ${TERM.gap}u: { return gap * gap; }
    case ${TERM.squares}u: { return ui * ui + uj * uj; }
    case ${TERM.total}u: { return ui + uj; }
    default: {}
  }
  let yk = y[base + t.k];
  if (t.operation == ${TERM.change}u) { return ui * ((yj - yk) * t.scale); }
  let yl = y[base + t.l];
  let other = (yk - yl) * t.scale;
  switch (t.operation) {
    case ${TERM.cross}u: { return gap * other; }
    case ${TERM.gaps}u: { return gap * gap + other * other; }
    case ${TERM.products}u: { return ui * uj + ((yk - t.centre) * t.scale) * ((yl - t.centre) * t.scale); }
    case ${TERM.corner}u: { return (gap - other) * (gap - other); }
    default: { return 0.0; }
  }
}
fn group(g: u32, lane: u32) {
  let s = g % p.outputs;
  let first = (g / p.outputs) * ${BLOCK}u + (lane & 31u);
  for (var at = 0u; at < p.terms; at += ${AT_ONCE}u) {
    let t = at + (lane >> 5u);
    var sum = 0.0;
    if (t < p.terms) {
      let term = term_of(t, s);
      for (var row = first; row < first + ${BLOCK}u; row += 128u) {
        sum += (term_at(term, row) + term_at(term, row + 32u)) + (term_at(term, row + 64u) + term_at(term, row + 96u));
      }
    }
    part[lane] = sum;
    workgroupBarrier();
    for (var step = 16u; step > 0u; step >>= 1u) {
      if ((lane & 31u) < step) { part[lane] += part[lane + step]; }
      workgroupBarrier();
    }
    if ((lane & 31u) == 0u && t < p.terms) { partial[g * p.terms + t] = part[lane]; }
    workgroupBarrier();
  }
}`,
};

/** Blocks of sums as float64 numbers, the scales of their outputs taken back; [blocks, outputs, terms]. */
export function unscaleSums(
  partial: Float32Array,
  program: Uint32Array,
  scales: ArrayLike<number>,
): Float64Array<ArrayBuffer> {
  const terms = program.length / TERM_WORDS;
  return Float64Array.from(partial, (sum, i) => {
    const scale = scales[Math.floor(i / terms) % scales.length]!;
    const operation = program[TERM_WORDS * (i % terms)];
    // Two divisions: the square of a small scale may not be a number.
    return operation === TERM.value || operation === TERM.total ? sum / scale : sum / scale / scale;
  });
}

/** Sums of the columns of `blocks` [blocks, width], each by adjacent pairs, as `treeSum`; `blocks` is overwritten. */
export function addBlocks(blocks: Float64Array, width: number): Float64Array<ArrayBuffer> {
  return Float64Array.from({ length: width }, (_, c) => treeSum(blocks, blocks.length / width, c, width));
}

/** A power of two that brings numbers of about this size near 1; 1 for 0. */
export function scaleFor(size: number): number {
  return size === 0 ? 1 : 2 ** -Math.max(-126, Math.min(126, Math.round(Math.log2(size))));
}
