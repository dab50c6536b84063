// Weighted moments of points, eight columns of weights at a time. See ../twins/moments.ts.

/** acc += v x for eight numbers. */
@inline
function addScaled(acc: usize, v0: v128, v1: v128, v2: v128, v3: v128, x: v128): void {
  v128.store(acc, f64x2.add(v128.load(acc), f64x2.mul(v0, x)));
  v128.store(acc, f64x2.add(v128.load(acc, 16), f64x2.mul(v1, x)), 16);
  v128.store(acc, f64x2.add(v128.load(acc, 32), f64x2.mul(v2, x)), 32);
  v128.store(acc, f64x2.add(v128.load(acc, 48), f64x2.mul(v3, x)), 48);
}

/** acc += v off for eight numbers each. */
@inline
function addProducts(acc: usize, v0: v128, v1: v128, v2: v128, v3: v128, off: usize): void {
  v128.store(acc, f64x2.add(v128.load(acc), f64x2.mul(v0, v128.load(off))));
  v128.store(acc, f64x2.add(v128.load(acc, 16), f64x2.mul(v1, v128.load(off, 16))), 16);
  v128.store(acc, f64x2.add(v128.load(acc, 32), f64x2.mul(v2, v128.load(off, 32))), 32);
  v128.store(acc, f64x2.add(v128.load(acc, 48), f64x2.mul(v3, v128.load(off, 48))), 48);
}

@inline
function firstMoments(x: usize, d: u32, n: u32, weight: usize, row: usize, own: usize): void {
  const end = <usize>d << 3;
  for (let i: u32 = 0; i < n; i++, x += end, weight += row) {
    const v0 = v128.load(weight);
    const v1 = v128.load(weight, 16);
    const v2 = v128.load(weight, 32);
    const v3 = v128.load(weight, 48);
    addScaled(own, v0, v1, v2, v3, f64x2.splat(1.0));
    addProducts(own + 64, v0, v1, v2, v3, weight);
    let acc = own + 128;
    for (let c: usize = 0; c < end; c += 8, acc += 64) addScaled(acc, v0, v1, v2, v3, v128.load64_splat(x + c));
  }
}

@inline
function secondMoments(x: usize, d: u32, n: u32, weight: usize, row: usize, mean: usize, acc0: usize, off: usize): void {
  const end = <usize>d << 3;
  const last = <usize>d << 6;
  for (let i: u32 = 0; i < n; i++, x += end, weight += row) {
    const v0 = v128.load(weight);
    const v1 = v128.load(weight, 16);
    const v2 = v128.load(weight, 32);
    const v3 = v128.load(weight, 48);
    let acc = acc0;
    for (let r: usize = 0; r < last; r += 64) {
      const own = v128.load64_splat(x + (r >> 3));
      const o0 = f64x2.sub(own, v128.load(mean + r));
      const o1 = f64x2.sub(own, v128.load(mean + r, 16));
      const o2 = f64x2.sub(own, v128.load(mean + r, 32));
      const o3 = f64x2.sub(own, v128.load(mean + r, 48));
      v128.store(off + r, o0);
      v128.store(off + r, o1, 16);
      v128.store(off + r, o2, 32);
      v128.store(off + r, o3, 48);
      const s0 = f64x2.mul(v0, o0);
      const s1 = f64x2.mul(v1, o1);
      const s2 = f64x2.mul(v2, o2);
      const s3 = f64x2.mul(v3, o3);
      for (let c: usize = 0; c <= r; c += 64, acc += 64) addProducts(acc, s0, s1, s2, s3, off + c);
    }
  }
}

export function weightedMoments(x: usize, d: u32, n: u32, weight: usize, stride: u32, moments: usize, lo: u32, hi: u32): void {
  const row = <usize>stride << 3;
  const triangle = <usize>((d * (d + 1)) >> 1);
  const size = (2 + 2 * <usize>d + triangle) << 6;
  for (let b = lo; b < hi; b++) {
    const own = moments + <usize>b * size;
    memory.fill(own, 0, size);
    const column = weight + (<usize>b << 6);
    firstMoments(x, d, n, column, row, own);
    const mean = own + 128;
    const second = mean + (<usize>d << 6);
    for (let at = mean; at < second; at += 64)
      for (let l: usize = 0; l < 64; l += 16) v128.store(at + l, f64x2.div(v128.load(at + l), v128.load(own + l)));
    secondMoments(x, d, n, column, row, mean, second, second + (triangle << 6));
  }
}
