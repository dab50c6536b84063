import type { Shader } from '../gpu/types.ts';
import type { KernelCode } from '../kernel/types.ts';
import { noiseCode } from './moves.ts';

/** Parts of the point at which a function is evaluated, one after the other. */
export interface PointParts {
  /** Numbers of the particle that it reads; 0 where it looks at none. */
  readonly state: number;
  /** Numbers that come after: normals, or inputs that are the same for all particles. */
  readonly rest: number;
  /** Whether the step comes last. */
  readonly step: boolean;
}

export type DrawingParam = 'k0' | 'k1' | 'first' | 'step' | 'channel';

/**
 * Row i of `next` [n, d] = F(row i of `state`, z, step) with z the normals of particles first .. at (step, channel). One item a
 * row. A row becomes NaN where F fails or the state is not finite.
 */
export function drawingShader(
  { code }: KernelCode,
  d: number,
  point: PointParts,
): Shader<'state' | 'constants' | 'next', DrawingParam> {
  const { state, rest } = point;
  return {
    name: `drawing${d}`,
    buffers: { state: 'read words', constants: 'read f32', next: 'write words' },
    params: { k0: 'u32', k1: 'u32', first: 'u32', step: 'u32', channel: 'u32' },
    per: 'item',
    code: `${pointCode(point)}
${code}
${noiseCode(rest, 'unit')}
fn item(i: u32) {
  let bad = take_state(i);
  draw(p.first + i, p.channel);
  for (var c = 0u; c < ${rest}u; c++) { x[${state}u + c] = noise[c]; }
  kernel(0u);
  for (var r = 0u; r < ${d}u; r++) { next[i * ${d}u + r] = select(result_bits(r), 0x7fc00000u, bad); }
}`,
  };
}

/**
 * The output of a kernel at (row i of `state`, `inputs`, step) into `density` [n], bits as they are: NaN where it failed or the
 * state is not finite. One item a row.
 */
export function potentialShader(
  { code }: KernelCode,
  point: PointParts,
): Shader<'state' | 'inputs' | 'constants' | 'density', 'step'> {
  const { state, rest } = point;
  return {
    name: `potential${state}`,
    buffers: { state: 'read words', inputs: 'read f32', constants: 'read f32', density: 'write words' },
    params: { step: 'u32' },
    per: 'item',
    code: `${pointCode(point)}
${code}
fn item(i: u32) {
  let bad = take_state(i);
  for (var c = 0u; c < ${rest}u; c++) { x[${state}u + c] = inputs[c]; }
  kernel(0u);
  density[i] = select(result_bits(0u), 0x7fc00000u, bad);
}`,
  };
}

/** The point, where kernels look for the buffer `x`, and what fills its first and last numbers and finds them not finite. */
function pointCode({ state, rest, step }: PointParts): string {
  return `var<private> x: array<f32, ${state + rest + (step ? 1 : 0)}>;
fn take_state(i: u32) -> bool {
  var bad = false;
  for (var c = 0u; c < ${state}u; c++) {
    let bits = state[i * ${state}u + c];
    bad = bad || (bits & 0x7f800000u) == 0x7f800000u;
    x[c] = bitcast<f32>(bits);
  }
  ${step ? `x[${state + rest}] = f32(p.step);` : ''}
  return bad;
}`;
}
