// Block sums of the fixed tree. See ../twins/sums.ts: eight strided accumulators are four registers.
const BLOCK: u32 = 1024;

@inline
export function combine(a01: v128, a23: v128, a45: v128, a67: v128): f64 {
  const pairs = f64x2.add(f64x2.add(a01, a45), f64x2.add(a23, a67));
  return f64x2.extract_lane(pairs, 0) + f64x2.extract_lane(pairs, 1);
}

export function sumBlocks(x: usize, n: u32, partial: usize, lo: u32, hi: u32): void {
  for (let b = lo; b < hi; b++) {
    const count = min<u32>(n - b * BLOCK, BLOCK);
    store<f64>(partial + ((<usize>b) << 3), sumBlock(x + (<usize>(b * BLOCK) << 3), count));
  }
}

function sumBlock(x: usize, count: u32): f64 {
  let a01 = f64x2.splat(0.0);
  let a23 = a01;
  let a45 = a01;
  let a67 = a01;
  let at = x;
  const full = x + (<usize>(count & ~7) << 3);
  for (; at < full; at += 64) {
    a01 = f64x2.add(a01, v128.load(at));
    a23 = f64x2.add(a23, v128.load(at, 16));
    a45 = f64x2.add(a45, v128.load(at, 32));
    a67 = f64x2.add(a67, v128.load(at, 48));
  }
  // An accumulator is never -0, so adding the zero of a missing element changes nothing.
  const rest = count & 7;
  if (rest > 0) a01 = f64x2.add(a01, loadUpTo2(at, rest));
  if (rest > 2) a23 = f64x2.add(a23, loadUpTo2(at + 16, rest - 2));
  if (rest > 4) a45 = f64x2.add(a45, loadUpTo2(at + 32, rest - 4));
  if (rest > 6) a67 = f64x2.add(a67, v128.load64_zero(at + 48));
  return combine(a01, a23, a45, a67);
}

@inline
export function loadUpTo2(at: usize, count: u32): v128 {
  return count > 1 ? v128.load(at) : v128.load64_zero(at);
}
