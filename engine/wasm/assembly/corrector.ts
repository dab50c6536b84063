// Drift and weight rate of weighted diffusions, and their step. See ../twins/corrector.ts: even and odd coordinates are the
// two lanes, and the lane of a coordinate that is missing holds zeros.
import { normal } from './normal';

// Numbers of a tile that stays in the first cache between noise and update.
const TILE: u32 = 1024;

@inline
function loadColumns(at: usize, pair: bool): v128 {
  return pair ? v128.load(at) : v128.load64_zero(at);
}

@inline
function storeColumns(at: usize, pair: bool, x: v128): void {
  if (pair) v128.store(at, x);
  else v128.store64_lane(at, x, 0);
}

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
