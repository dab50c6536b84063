/** Most registers, z included, that one operation may add up. */
export const MOST_TERMS = 8;

/**
 * Rows lo..hi-1 of `out` [n, d] become sum_k factor_k source_k, added up from left to right. `out` may be one of the sources,
 * [n, d] each.
 *
 * @param factors [G, K], a row for each group; `group` [n] says which row a particle takes, and without it all take the
 * first.
 */
export function combine(
  out: Float64Array,
  sources: readonly Float64Array[],
  factors: Float64Array,
  group: Uint32Array | undefined,
  d: number,
  lo: number,
  hi: number,
): void {
  const terms = sources.length;
  if (group === undefined) combineRange(out, sources, factors, 0, lo * d, hi * d);
  else
    for (let i = lo; i < hi; i++) combineRange(out, sources, factors, group[i]! * terms, i * d, (i + 1) * d);
}

/** Numbers from..to-1, with the factors from `row` on. */
function combineRange(
  out: Float64Array,
  sources: readonly Float64Array[],
  factors: Float64Array,
  row: number,
  from: number,
  to: number,
): void {
  const terms = sources.length;
  const zero = sources[0]!;
  const one = sources[1] ?? zero;
  const two = sources[2] ?? zero;
  const a = factors[row]!;
  const b = factors[row + 1]!;
  const c = factors[row + 2]!;
  if (terms === 1) for (let at = from; at < to; at++) out[at] = a * zero[at]!;
  else if (terms === 2) for (let at = from; at < to; at++) out[at] = a * zero[at]! + b * one[at]!;
  else if (terms === 3)
    for (let at = from; at < to; at++) out[at] = a * zero[at]! + b * one[at]! + c * two[at]!;
  else
    for (let at = from; at < to; at++) {
      let sum = a * zero[at]! + b * one[at]! + c * two[at]!;
      for (let k = 3; k < terms; k++) sum += factors[row + k]! * sources[k]![at]!;
      out[at] = sum;
    }
}
