import type { Shader } from '../gpu/types.ts';
import { mixtureCode } from './mixture-code.ts';
import { noiseCode } from './moves.ts';

/*
 * Passes of weighted diffusions over rows (x, u) of 2 d numbers, position and drift; engine/wasm/twins/corrector.ts has the same
 * in float64, and its table of symbols.
 */

export type CorrectorMoveParam =
  | 'k0'
  | 'k1'
  | 'step'
  | 'channel'
  /** What x is multiplied with, the step h, and the size of the noise. */
  | 'scale'
  | 'h'
  | 'noise';

/**
 * Row i of `next` [n, 2 d]: scale x + h u + shift + noise z in its first d numbers, `shift` [d], with the normals z of particle i at
 * (step, channel). One item a row.
 */
export function correctorMoveShader(d: number): Shader<'state' | 'shift' | 'next', CorrectorMoveParam> {
  return {
    name: `correctorMove${d}`,
    buffers: { state: 'read f32', shift: 'read f32', next: 'write f32' },
    params: { k0: 'u32', k1: 'u32', step: 'u32', channel: 'u32', scale: 'f32', h: 'f32', noise: 'f32' },
    per: 'item',
    code: `${noiseCode(d, 'unit')}
fn item(i: u32) {
  let at = i * ${2 * d}u;
  draw(i, p.channel);
  for (var c = 0u; c < ${d}u; c++) {
    next[at + c] = p.scale * state[at + c] + p.h * state[at + ${d}u + c] + shift[c] + p.noise * noise[c];
  }
}`,
  };
}

/**
 * Score and log density of the positions in `x` [n, 2 d] into rows first .. of `scores` [.., d] and `densities` [..], with
 * `constants` of `mixtureConstants`. One item a row.
 */
export function correctorScoreShader(d: number): Shader<'x' | 'constants' | 'scores' | 'densities', 'first'> {
  return {
    name: `correctorScore${d}`,
    buffers: { x: 'read f32', constants: 'read f32', scores: 'write f32', densities: 'write f32' },
    params: { first: 'u32' },
    per: 'item',
    code: `${mixtureCode(d, true)}
fn item(i: u32) {
  kernel(i * ${2 * d}u);
  for (var j = 0u; j < ${d}u; j++) { scores[(p.first + i) * ${d}u + j] = result[j]; }
  densities[p.first + i] = result[${d}];
}`,
  };
}

/** What the formula has to be written for. */
export interface RatesShape {
  /** d */
  readonly dimension: number;
  /** M */
  readonly experts: number;
  /** 1, 2 or d + 2: g; h and g; S, h and g. */
  readonly width: number;
  readonly tilted: boolean;
}

/** Where the parts of `terms` begin: [M, 4] coefficients b, v, w and d b / d tau; b [d] and A [d, d] of rho; the same of its rate. */
export function ratesLayout({ dimension: d, experts, tilted }: RatesShape): {
  readonly slope: number;
  readonly matrix: number;
  readonly fadeSlope: number;
  readonly fadeMatrix: number;
  readonly length: number;
} {
  const slope = 4 * experts;
  const size = tilted ? d + d * d : 0;
  return {
    ...{ slope, matrix: slope + d, fadeSlope: slope + size, fadeMatrix: slope + size + d },
    length: slope + 2 * size,
  };
}

/**
 * Drift into the last d numbers of the rows of `state` [n, 2 d], and `features` [n, width], from `scores` [M, n, d] and `densities`
 * [M, n] there. A tilt is rho(x) = k + b . x - x' A x / 2, and so is its rate, of which k is part of `constant`. One item a row.
 */
export function correctorRatesShader(
  shape: RatesShape,
): Shader<'state' | 'scores' | 'densities' | 'terms' | 'features', 'drift' | 'spread' | 'constant'> {
  const { dimension: d, experts: M, width, tilted } = shape;
  const at = ratesLayout(shape);
  const tilt = `for (var j = 0u; j < ${d}u; j++) {
      let xj = state[row + j];
      r -= terms[${at.matrix}u + c * ${d}u + j] * xj;
      fade -= 0.5 * terms[${at.fadeMatrix}u + c * ${d}u + j] * xj;
    }`;
  return {
    name: `correctorRates${d}`,
    buffers: {
      ...{ state: 'write f32', scores: 'read f32', densities: 'read f32' },
      ...{ terms: 'read f32', features: 'write f32' },
    },
    params: { drift: 'f32', spread: 'f32', constant: 'f32' },
    per: 'item',
    code: `fn item(i: u32) {
  let row = i * ${2 * d}u;
  var g = p.constant;
  var h = ${d}.0;
  for (var e = 0u; e < ${M}u; e++) { g += terms[4u * e + 3u] * densities[e * p.items + i]; }
  for (var c = 0u; c < ${d}u; c++) {
    let x = state[row + c];
    var sb = 0.0;
    var v = 0.0;
    var l = 0.0;
    var q = 0.0;
    for (var e = 0u; e < ${M}u; e++) {
      let s = scores[(e * p.items + i) * ${d}u + c];
      let vs = terms[4u * e + 1u] * s;
      sb += terms[4u * e] * s;
      v += vs;
      l += terms[4u * e + 2u] * s;
      q += vs * s;
    }
    var r = ${tilted ? `terms[${at.slope}u + c]` : '0.0'};
    var fade = ${tilted ? `terms[${at.fadeSlope}u + c]` : '0.0'};
    ${tilted ? tilt : ''}
    let s = sb + r;
    state[row + ${d}u + c] = v - p.drift * x + p.spread * s;
    g += x * (l - p.drift * r + fade) - q + v * s;
    h += x * s;
    ${width > 2 ? `features[i * ${width}u + c] = s;` : ''}
  }
  features[i * ${width}u + ${width - 1}u] = g;
  ${width > 1 ? `features[i * ${width}u + ${width - 2}u] = h;` : ''}
}`,
  };
}
