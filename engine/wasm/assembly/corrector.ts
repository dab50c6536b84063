// Drift and weight rate of weighted diffusions, and their step. See ../twins/corrector.ts: even and odd coordinates are the
// two lanes, and the lane of a coordinate that is missing holds zeros.
import { loadColumns, storeColumns } from './columns';
import { normal } from './normal';
import { BLOCK, blockAt, blockLength } from './sums';

// Numbers of a tile that stays in the first cache between noise and update.
const TILE: u32 = 1024;

@inline
function joined(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}

export function correctorRates(x: usize, d: u32, stride: u32, scores: usize, experts: u32, coefficients: usize, drift: f64, spread: f64, transport: f64, constant: f64, tilt: usize, tilted: u32, rest: usize, rested: u32, u: usize, features: usize, width: u32, lo: u32, hi: u32): void {
  const row = <usize>d << 3;
  const wide = <usize>width << 3;
  const plane = <usize>stride * row;
  const all = width > 2;
  const f = f64x2.splat(drift);
  const a = f64x2.splat(spread);
  const t = f64x2.splat(transport);
  const zero = f64x2.splat(0.0);
  for (let i = lo; i < hi; i++) {
    let g = zero;
    let h = zero;
    const from = <usize>i * row;
    const to = features + <usize>i * wide;
    for (let c: u32 = 0; c < d; c += 2) {
      const pair = c + 1 < d;
      const at = from + (<usize>c << 3);
      let sb = zero;
      let v = zero;
      let l = zero;
      let q = zero;
      let own = scores + at;
      let b = coefficients;
      for (let e: u32 = 0; e < experts; e++, own += plane, b += 24) {
        const s = loadColumns(own, pair);
        const vs = f64x2.mul(v128.load64_splat(b, 8), s);
        sb = f64x2.add(sb, f64x2.mul(v128.load64_splat(b), s));
        v = f64x2.add(v, vs);
        l = f64x2.add(l, f64x2.mul(v128.load64_splat(b, 16), s));
        q = f64x2.add(q, f64x2.mul(vs, s));
      }
      const r = tilted == 1 ? loadColumns(tilt + at, pair) : zero;
      const s = f64x2.add(sb, r);
      const k = f64x2.mul(t, sb);
      const point = loadColumns(x + at, pair);
      const flow = f64x2.add(f64x2.sub(v, f64x2.mul(f, point)), f64x2.mul(a, s));
      storeColumns(u + at, pair, f64x2.add(flow, k));
      const pull = f64x2.mul(point, f64x2.sub(l, f64x2.mul(f, r)));
      g = f64x2.add(g, f64x2.add(f64x2.sub(pull, q), f64x2.mul(f64x2.add(v, k), s)));
      h = f64x2.add(h, f64x2.mul(point, s));
      if (all) storeColumns(to + (<usize>c << 3), pair, s);
    }
    const first = constant + (rested == 1 ? load<f64>(rest + (<usize>i << 3)) : 0.0);
    store<f64>(to + wide - 8, first + joined(g));
    if (width > 1) store<f64>(to + wide - 16, <f64>d + joined(h));
  }
}

export function correctorMove(x: usize, u: usize, next: usize, d: u32, scale: f64, h: f64, shift: usize, noise: f64, k0: u32, k1: u32, first: u32, step: u32, channel: u32, lo: u32, hi: u32): void {
  const tile = max<u32>(4, (TILE / d) & ~3);
  const row = <usize>d << 3;
  for (let from = lo; from < hi; from += tile) {
    const to = min<u32>(hi, from + tile);
    if (noise == 0.0) memory.fill(next + <usize>from * row, 0, <usize>(to - from) * row);
    else normal(next, d, k0, k1, first, step, channel, from, to);
    if (d & 1) moveOdd(x, u, next, row, scale, h, shift, noise, from, to);
    else moveEven(x, u, next, row, scale, h, shift, noise, from, to);
  }
}

function moveEven(x: usize, u: usize, next: usize, row: usize, scale: f64, h: f64, shift: usize, noise: f64, lo: u32, hi: u32): void {
  const m = f64x2.splat(scale);
  const step = f64x2.splat(h);
  const a = f64x2.splat(noise);
  const end = <usize>hi * row;
  for (let from = <usize>lo * row; from < end; from += row) {
    for (let c: usize = 0; c < row; c += 16) {
      const at = from + c;
      const moved = f64x2.add(f64x2.mul(m, v128.load(x + at)), f64x2.mul(step, v128.load(u + at)));
      v128.store(next + at, f64x2.add(f64x2.add(moved, v128.load(shift + c)), f64x2.mul(a, v128.load(next + at))));
    }
  }
}

function moveOdd(x: usize, u: usize, next: usize, row: usize, scale: f64, h: f64, shift: usize, noise: f64, lo: u32, hi: u32): void {
  const end = <usize>hi * row;
  for (let from = <usize>lo * row; from < end; from += row) {
    for (let c: usize = 0; c < row; c += 8) {
      const at = from + c;
      const moved = scale * load<f64>(x + at) + h * load<f64>(u + at);
      store<f64>(next + at, moved + load<f64>(shift + c) + noise * load<f64>(next + at));
    }
  }
}

export function correctorPotential(features: usize, width: u32, theta: usize, h: f64, out: usize, lo: u32, hi: u32): void {
  const wide = <usize>width << 3;
  const end = wide & ~15;
  let at = features + <usize>lo * wide;
  for (let i = lo; i < hi; i++, at += wide) {
    let sum = f64x2.splat(0.0);
    for (let c: usize = 0; c < end; c += 16) sum = f64x2.add(sum, f64x2.mul(v128.load(theta + c), v128.load(at + c)));
    if (end < wide) sum = f64x2.add(sum, f64x2.mul(v128.load64_zero(theta + end), v128.load64_zero(at + end)));
    store<f64>(out + (<usize>i << 3), h * joined(sum));
  }
}

export function correctorMoments(features: usize, width: u32, n: u32, weight: usize, shift: usize, partial: usize, lo: u32, hi: u32): void {
  const size = <usize>(width + ((width * (width + 1)) >> 1)) << 3;
  const wide = <usize>width << 3;
  for (let b = lo; b < hi; b++) {
    const rows = features + <usize>(b * BLOCK) * wide;
    const own = partial + <usize>b * size;
    const w = blockAt(weight, b);
    const end = w + (<usize>blockLength(n, b) << 3);
    if (width == 1) momentsOfOne(rows, w, end, shift, own);
    else if (width == 2) momentsOfTwo(rows, w, end, shift, own);
    else if (width == 4) momentsOfFour(rows, w, end, shift, own);
    else momentsOfMany(rows, width, w, end, shift, own, size);
  }
}

function momentsOfOne(row: usize, weight: usize, end: usize, shift: usize, own: usize): void {
  const s = load<f64>(shift);
  let sum: f64 = 0.0;
  let square: f64 = 0.0;
  for (; weight < end; weight += 8, row += 8) {
    const w = load<f64>(weight);
    if (w == 0.0) continue;
    const off = load<f64>(row) - s;
    const left = w * off;
    sum += left;
    square += left * off;
  }
  store<f64>(own, sum);
  store<f64>(own, square, 8);
}

function momentsOfTwo(row: usize, weight: usize, end: usize, shift: usize, own: usize): void {
  const s = v128.load(shift);
  let sum = f64x2.splat(0.0);
  let first = sum;
  let second = sum;
  for (; weight < end; weight += 8, row += 16) {
    const w = v128.load64_splat(weight);
    if (f64x2.extract_lane(w, 0) == 0.0) continue;
    const off = f64x2.sub(v128.load(row), s);
    const left = f64x2.mul(w, off);
    sum = f64x2.add(sum, left);
    first = f64x2.add(first, f64x2.mul(v128.shuffle<f64>(left, left, 0, 0), off));
    second = f64x2.add(second, f64x2.mul(left, off));
  }
  v128.store(own, sum);
  v128.store(own, first, 16);
  v128.store64_lane(own, second, 1, 32);
}

function momentsOfFour(row: usize, weight: usize, end: usize, shift: usize, own: usize): void {
  const sa = v128.load(shift);
  const sb = v128.load(shift, 16);
  const zero = f64x2.splat(0.0);
  let a = zero;
  let b = zero;
  let a0 = zero;
  let b0 = zero;
  let a1 = zero;
  let b1 = zero;
  let b2 = zero;
  let b3 = zero;
  for (; weight < end; weight += 8, row += 32) {
    const w = v128.load64_splat(weight);
    if (f64x2.extract_lane(w, 0) == 0.0) continue;
    const oa = f64x2.sub(v128.load(row), sa);
    const ob = f64x2.sub(v128.load(row, 16), sb);
    const la = f64x2.mul(w, oa);
    const lb = f64x2.mul(w, ob);
    const l0 = v128.shuffle<f64>(la, la, 0, 0);
    const l1 = v128.shuffle<f64>(la, la, 1, 1);
    a = f64x2.add(a, la);
    b = f64x2.add(b, lb);
    a0 = f64x2.add(a0, f64x2.mul(l0, oa));
    b0 = f64x2.add(b0, f64x2.mul(l0, ob));
    a1 = f64x2.add(a1, f64x2.mul(la, oa));
    b1 = f64x2.add(b1, f64x2.mul(l1, ob));
    b2 = f64x2.add(b2, f64x2.mul(v128.shuffle<f64>(lb, lb, 0, 0), ob));
    b3 = f64x2.add(b3, f64x2.mul(lb, ob));
  }
  v128.store(own, a);
  v128.store(own, b, 16);
  v128.store(own, a0, 32);
  v128.store(own, b0, 48);
  v128.store64_lane(own, a1, 1, 64);
  v128.store(own, b1, 72);
  v128.store(own, b2, 88);
  v128.store64_lane(own, b3, 1, 104);
}

function momentsOfMany(row: usize, width: u32, weight: usize, end: usize, shift: usize, own: usize, size: usize): void {
  const wide = <usize>width << 3;
  memory.fill(own, 0, size);
  for (; weight < end; weight += 8, row += wide) {
    const w = load<f64>(weight);
    if (w == 0.0) continue;
    let at = own + wide;
    for (let c: usize = 0; c < wide; c += 8) {
      const left = w * (load<f64>(row + c) - load<f64>(shift + c));
      store<f64>(own + c, load<f64>(own + c) + left);
      const l = f64x2.splat(left);
      let e = c;
      for (; e + 16 <= wide; e += 16, at += 16) {
        const off = f64x2.sub(v128.load(row + e), v128.load(shift + e));
        v128.store(at, f64x2.add(v128.load(at), f64x2.mul(l, off)));
      }
      if (e < wide) {
        store<f64>(at, load<f64>(at) + left * (load<f64>(row + e) - load<f64>(shift + e)));
        at += 8;
      }
    }
  }
}
