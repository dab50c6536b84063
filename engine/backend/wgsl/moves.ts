import type { Shader } from '../gpu/types.ts';
import type { KernelCode } from '../kernel/types.ts';
import { elementary } from './elementary.ts';
import { NORMAL, NORMAL_PAIR } from './normal.ts';
import { PHILOX } from './philox.ts';

/**
 * What the noise is multiplied with: nothing but a number, a number for each component (`factor` [d]), or a lower
 * triangular matrix by rows (`factor` [d (d + 1) / 2]).
 */
export type NoiseShape = 'unit' | 'diagonal' | 'triangle';

export type MoveParam = 'k0' | 'k1' | 'first' | 'step' | 'channel' | 'keep' | 'drift' | 'scale';

const MOVE_PARAMS = {
  k0: 'u32',
  k1: 'u32',
  first: 'u32',
  step: 'u32',
  channel: 'u32',
  keep: 'f32',
  drift: 'f32',
  scale: 'f32',
} as const;

/**
 * next = keep x + scale L z for the rows of `x` [n, d], z the normals of particles first .. at (step, channel): random
 * walks (keep = 1), autoregressions and preconditioned Crank-Nicolson (keep < 1). One item a row; `first` is the number
 * of row 0. With shape 'unit' `factor` is any array.
 */
export function normalMoveShader(d: number, shape: NoiseShape): Shader<'x' | 'factor' | 'next', MoveParam> {
  return {
    name: `normalMove${d}${shape}`,
    buffers: { x: 'read f32', factor: 'read f32', next: 'write words' },
    params: MOVE_PARAMS,
    per: 'item',
    code: `${noiseCode(d, shape)}
fn item(i: u32) {
  let at = i * ${d}u;
  draw(p.first + i, p.channel);
  for (var r = 0u; r < ${d}u; r++) { next[at + r] = bitcast<u32>(p.keep * x[at + r] + p.scale * noiseOf(r)); }
}`,
  };
}

/**
 * next = keep x + drift f(x) + scale L z with f the first d outputs of a kernel, in one pass: Langevin moves (f the score,
 * keep = 1, drift = h / 2, scale = sqrt h) and transitions x' = f(x) + L z (keep = 0, drift = 1). A row where the kernel
 * fails becomes NaN.
 */
export function kernelMoveShader(
  { code }: KernelCode,
  d: number,
  shape: NoiseShape,
): Shader<'x' | 'constants' | 'factor' | 'next', MoveParam> {
  return {
    name: `kernelMove${d}${shape}`,
    buffers: { x: 'read f32', constants: 'read f32', factor: 'read f32', next: 'write words' },
    params: MOVE_PARAMS,
    per: 'item',
    code: `${code}
${noiseCode(d, shape)}
fn item(i: u32) {
  let at = i * ${d}u;
  kernel(at);
  draw(p.first + i, p.channel);
  for (var r = 0u; r < ${d}u; r++) {
    let value = p.keep * x[at + r] + p.drift * result[r] + p.scale * noiseOf(r);
    next[at + r] = select(bitcast<u32>(value), 0x7fc00000u, failed);
  }
}`,
  };
}

/** Normals of a particle into a private array, and row r of L z. Own names, so that kernels keep theirs. */
export function noiseCode(d: number, shape: NoiseShape): string {
  const pairs = Math.ceil(d / 2);
  const rows: Readonly<Record<NoiseShape, string>> = {
    unit: 'return noise[r];',
    diagonal: 'return factor[r] * noise[r];',
    triangle: `var sum = 0.0;
  let row = (r * (r + 1u)) / 2u;
  for (var c = 0u; c <= r; c++) { sum += factor[row + c] * noise[c]; }
  return sum;`,
  };
  return `${apart(`${elementary('e_log')}${PHILOX}${NORMAL}${NORMAL_PAIR}`)}
var<private> noise: array<f32, ${2 * pairs}>;
fn draw(particle: u32, channel: u32) {
  for (var pair = 0u; pair < ${pairs}u; pair++) {
    let z = normal_pair(particle, p.step, pair, channel, vec2<u32>(p.k0, p.k1));
    noise[2u * pair] = z.x;
    noise[2u * pair + 1u] = z.y;
  }
}
fn noiseOf(r: u32) -> f32 {
  ${rows[shape]}
}`;
}

/** Elementary functions under names of their own: the kernel beside them may have brought them already. */
function apart(code: string): string {
  return code.replace(/\be_/g, 'own_');
}
