// Linear combinations of up to eight arrays. See ../twins/combine.ts.

export function combineRows(out: usize, s0: usize, s1: usize, s2: usize, s3: usize, s4: usize, s5: usize, s6: usize, s7: usize, terms: u32, factors: usize, group: usize, grouped: u32, d: u32, lo: u32, hi: u32): void {
  const row = <usize>d << 3;
  if (grouped == 0) {
    combineSpan(out, s0, s1, s2, s3, s4, s5, s6, s7, terms, factors, <usize>lo * row, <usize>hi * row);
    return;
  }
  const wide = <usize>terms << 3;
  for (let i = <usize>lo; i < <usize>hi; i++) {
    const own = factors + <usize>load<u32>(group + (i << 2)) * wide;
    combineSpan(out, s0, s1, s2, s3, s4, s5, s6, s7, terms, own, i * row, (i + 1) * row);
  }
}

@inline
function added(sum: v128, source: usize, factor: usize): v128 {
  return f64x2.add(sum, f64x2.mul(v128.load64_splat(factor), v128.load(source)));
}

@inline
function addedOne(sum: f64, source: usize, factor: usize): f64 {
  return sum + load<f64>(factor) * load<f64>(source);
}

/** Bytes from..to-1. */
function combineSpan(out: usize, s0: usize, s1: usize, s2: usize, s3: usize, s4: usize, s5: usize, s6: usize, s7: usize, terms: u32, f: usize, from: usize, to: usize): void {
  let at = from;
  const full = from + ((to - from) & ~31);
  for (; at < full; at += 32) {
    const first = v128.load64_splat(f);
    let a = f64x2.mul(first, v128.load(s0 + at));
    let b = f64x2.mul(first, v128.load(s0 + at, 16));
    if (terms > 1) {
      a = added(a, s1 + at, f + 8);
      b = added(b, s1 + at + 16, f + 8);
    }
    if (terms > 2) {
      a = added(a, s2 + at, f + 16);
      b = added(b, s2 + at + 16, f + 16);
    }
    if (terms > 3) {
      a = added(a, s3 + at, f + 24);
      b = added(b, s3 + at + 16, f + 24);
    }
    if (terms > 4) {
      a = added(a, s4 + at, f + 32);
      b = added(b, s4 + at + 16, f + 32);
    }
    if (terms > 5) {
      a = added(a, s5 + at, f + 40);
      b = added(b, s5 + at + 16, f + 40);
    }
    if (terms > 6) {
      a = added(a, s6 + at, f + 48);
      b = added(b, s6 + at + 16, f + 48);
    }
    if (terms > 7) {
      a = added(a, s7 + at, f + 56);
      b = added(b, s7 + at + 16, f + 56);
    }
    v128.store(out + at, a);
    v128.store(out + at, b, 16);
  }
  for (; at < to; at += 8) {
    let sum = load<f64>(f) * load<f64>(s0 + at);
    if (terms > 1) sum = addedOne(sum, s1 + at, f + 8);
    if (terms > 2) sum = addedOne(sum, s2 + at, f + 16);
    if (terms > 3) sum = addedOne(sum, s3 + at, f + 24);
    if (terms > 4) sum = addedOne(sum, s4 + at, f + 32);
    if (terms > 5) sum = addedOne(sum, s5 + at, f + 40);
    if (terms > 6) sum = addedOne(sum, s6 + at, f + 48);
    if (terms > 7) sum = addedOne(sum, s7 + at, f + 56);
    store<f64>(out + at, sum);
  }
}
