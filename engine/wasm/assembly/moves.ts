// Proposals of Markov chains: noise and update, a tile at a time. See ../twins/moves.ts.
import { mixtureScore } from './mixture';
import { normal } from './normal';

// Numbers of a tile that stays in the first cache between noise and update.
const TILE: u32 = 1024;

export function randomWalk(x: usize, next: usize, scale: usize, d: u32, k0: u32, k1: u32, first: u32, step: u32, channel: u32, lo: u32, hi: u32): void {
  const stride = <usize>d << 3;
  const tile = max<u32>(4, (TILE / d) & ~3);
  for (let from = lo; from < hi; from += tile) {
    const to = min<u32>(hi, from + tile);
    normal(next, d, k0, k1, first, step, channel, from, to);
    if (d & 1) walkOdd(x, next, scale, stride, from, to);
    else walkEven(x, next, scale, stride, from, to);
  }
}

/** next = x + scale next, two columns at a time. */
function walkEven(x: usize, next: usize, scale: usize, stride: usize, lo: u32, hi: u32): void {
  const end = <usize>hi * stride;
  for (let row = <usize>lo * stride; row < end; row += stride) {
    for (let c: usize = 0; c < stride; c += 16) {
      const noise = f64x2.mul(v128.load(scale + c), v128.load(next + row + c));
      v128.store(next + row + c, f64x2.add(v128.load(x + row + c), noise));
    }
  }
}

function walkOdd(x: usize, next: usize, scale: usize, stride: usize, lo: u32, hi: u32): void {
  const end = <usize>hi * stride;
  for (let row = <usize>lo * stride; row < end; row += stride) {
    for (let c: usize = 0; c < stride; c += 8) {
      const noise = load<f64>(scale + c) * load<f64>(next + row + c);
      store<f64>(next + row + c, load<f64>(x + row + c) + noise);
    }
  }
}

export function langevin(x: usize, next: usize, stepSize: f64, d: u32, means: usize, whiten: usize, logConstant: usize, components: u32, logDensity: usize, score: usize, k0: u32, k1: u32, first: u32, step: u32, channel: u32, lo: u32, hi: u32): void {
  const half = 0.5 * stepSize;
  const root = sqrt<f64>(stepSize);
  const tile = max<u32>(8, (TILE / d) & ~7);
  for (let from = lo; from < hi; from += tile) {
    const to = min<u32>(hi, from + tile);
    mixtureScore(x, d, means, whiten, logConstant, components, logDensity, score, from, to);
    normal(next, d, k0, k1, first, step, channel, from, to);
    drift(x, next, score, half, root, from * d, to * d);
  }
}

/** next = x + half score + root next of numbers lo..hi-1. */
function drift(x: usize, next: usize, score: usize, half: f64, root: f64, lo: u32, hi: u32): void {
  const h = f64x2.splat(half);
  const r = f64x2.splat(root);
  let at = <usize>lo << 3;
  const full = at + (<usize>((hi - lo) & ~1) << 3);
  for (; at < full; at += 16) {
    const mean = f64x2.add(v128.load(x + at), f64x2.mul(h, v128.load(score + at)));
    v128.store(next + at, f64x2.add(mean, f64x2.mul(r, v128.load(next + at))));
  }
  if ((hi - lo) & 1) store<f64>(next + at, load<f64>(x + at) + half * load<f64>(score + at) + root * load<f64>(next + at));
}
