// Block sums of the fixed tree. See ../twins/sums.ts: eight strided accumulators are four registers.
// An accumulator is never -0, so adding the zero of a missing element changes nothing.
export const BLOCK: u32 = 1024;

/** Address of the first element of block b. */
@inline
export function blockAt(x: usize, b: u32): usize {
  return x + (<usize>b * (BLOCK << 3));
}

/** Elements of block b among n. */
@inline
export function blockLength(n: u32, b: u32): u32 {
  return min<u32>(n - b * BLOCK, BLOCK);
}

@inline
export function combine(a01: v128, a23: v128, a45: v128, a67: v128): f64 {
  const pairs = f64x2.add(f64x2.add(a01, a45), f64x2.add(a23, a67));
  return f64x2.extract_lane(pairs, 0) + f64x2.extract_lane(pairs, 1);
}

/** Elements j and j + 1 of the last group of a block, of which `rest` are left; zero where none is. */
@inline
function loadRest(at: usize, j: u32, rest: u32): v128 {
  if (rest > j + 1) return v128.load(at + (<usize>j << 3));
  return rest > j ? v128.load64_zero(at + (<usize>j << 3)) : f64x2.splat(0.0);
}

export function sumBlock(x: usize, count: u32): f64 {
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
  const rest = count & 7;
  if (rest > 0) {
    a01 = f64x2.add(a01, loadRest(at, 0, rest));
    a23 = f64x2.add(a23, loadRest(at, 2, rest));
    a45 = f64x2.add(a45, loadRest(at, 4, rest));
    a67 = f64x2.add(a67, loadRest(at, 6, rest));
  }
  return combine(a01, a23, a45, a67);
}

@inline
function square(x: v128): v128 {
  return f64x2.mul(x, x);
}

export function squareBlock(x: usize, count: u32): f64 {
  let a01 = f64x2.splat(0.0);
  let a23 = a01;
  let a45 = a01;
  let a67 = a01;
  let at = x;
  const full = x + (<usize>(count & ~7) << 3);
  for (; at < full; at += 64) {
    a01 = f64x2.add(a01, square(v128.load(at)));
    a23 = f64x2.add(a23, square(v128.load(at, 16)));
    a45 = f64x2.add(a45, square(v128.load(at, 32)));
    a67 = f64x2.add(a67, square(v128.load(at, 48)));
  }
  const rest = count & 7;
  if (rest > 0) {
    a01 = f64x2.add(a01, square(loadRest(at, 0, rest)));
    a23 = f64x2.add(a23, square(loadRest(at, 2, rest)));
    a45 = f64x2.add(a45, square(loadRest(at, 4, rest)));
    a67 = f64x2.add(a67, square(loadRest(at, 6, rest)));
  }
  return combine(a01, a23, a45, a67);
}

export function sumBlocks(x: usize, n: u32, partial: usize, lo: u32, hi: u32): void {
  for (let b = lo; b < hi; b++) store<f64>(partial + (<usize>b << 3), sumBlock(blockAt(x, b), blockLength(n, b)));
}

export function squareBlocks(x: usize, n: u32, partial: usize, lo: u32, hi: u32): void {
  for (let b = lo; b < hi; b++) store<f64>(partial + (<usize>b << 3), squareBlock(blockAt(x, b), blockLength(n, b)));
}
