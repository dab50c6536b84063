/**
 * The k-th smallest of numbers without NaN, k = 0 .. n - 1, in linear time on average. `x` is put in another order: the
 * k-th at its place, none above it before and none below it after.
 * Source: Hoare (1961), algorithm 65, with the median of three as pivot.
 */
export function smallest(x: Float64Array, k: number): number {
  let lo = 0;
  let hi = x.length - 1;
  while (lo < hi) {
    const pivot = middle(x[lo]!, x[(lo + hi) >>> 1]!, x[hi]!);
    let i = lo;
    let j = hi;
    while (i <= j) {
      while (x[i]! < pivot) i++;
      while (x[j]! > pivot) j--;
      if (i > j) break;
      const own = x[i]!;
      x[i++] = x[j]!;
      x[j--] = own;
    }
    if (k <= j) hi = j;
    else if (k >= i) lo = i;
    else break;
  }
  return x[k]!;
}

function middle(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
