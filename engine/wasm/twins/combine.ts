/**
 * Rows lo..hi-1 of `out` [n, d] become sum_k factor_k s_k over the first `terms` (1 to 8) of the arrays [n, d], added up from
 * left to right. `out` may be one of them; those beyond `terms` are not read.
 *
 * @param factors [G, terms], a row for each group.
 * @param group [n] the row a particle takes, when `grouped` is 1; when it is 0 all take the first.
 */
export function combineRows(
  out: Float64Array,
  s0: Float64Array,
  s1: Float64Array,
  s2: Float64Array,
  s3: Float64Array,
  s4: Float64Array,
  s5: Float64Array,
  s6: Float64Array,
  s7: Float64Array,
  terms: number,
  factors: Float64Array,
  group: Uint32Array,
  grouped: number,
  d: number,
  lo: number,
  hi: number,
): void {
  const later = [s3, s4, s5, s6, s7];
  if (grouped === 0) combineSpan(out, s0, s1, s2, later, terms, factors, 0, lo * d, hi * d);
  else
    for (let i = lo; i < hi; i++)
      combineSpan(out, s0, s1, s2, later, terms, factors, group[i]! * terms, i * d, (i + 1) * d);
}

/** Numbers from..to-1, with the factors from `row` on. */
function combineSpan(
  out: Float64Array,
  s0: Float64Array,
  s1: Float64Array,
  s2: Float64Array,
  later: readonly Float64Array[],
  terms: number,
  factors: Float64Array,
  row: number,
  from: number,
  to: number,
): void {
  const a = factors[row]!;
  const b = factors[row + 1]!;
  const c = factors[row + 2]!;
  if (terms === 1) for (let at = from; at < to; at++) out[at] = a * s0[at]!;
  else if (terms === 2) for (let at = from; at < to; at++) out[at] = a * s0[at]! + b * s1[at]!;
  else if (terms === 3) for (let at = from; at < to; at++) out[at] = a * s0[at]! + b * s1[at]! + c * s2[at]!;
  else
    for (let at = from; at < to; at++) {
      let sum = a * s0[at]! + b * s1[at]! + c * s2[at]!;
      for (let k = 3; k < terms; k++) sum += factors[row + k]! * later[k - 3]![at]!;
      out[at] = sum;
    }
}
