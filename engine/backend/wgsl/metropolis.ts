import type { Shader } from '../gpu/types.ts';
import type { KernelCode } from '../kernel/types.ts';
import { type NoiseShape, noiseCode } from './moves.ts';
import { UNIFORM } from './uniform.ts';

/** A row of `outcome` where a density was NaN or infinite. */
export const FAILED = 0xffffffff;

const BUFFERS = {
  x: 'write f32',
  constants: 'read f32',
  factor: 'read f32',
  logDensity: 'write f32',
  outcome: 'write u32',
} as const;

const PARAMS = {
  k0: 'u32',
  k1: 'u32',
  first: 'u32',
  step: 'u32',
  channel: 'u32',
  acceptance: 'u32',
  fresh: 'u32',
  drift: 'f32',
  scale: 'f32',
} as const;

/**
 * One Metropolis move of the rows of `x` [n, d] in place: proposal, density, decision in one pass; one item a row.
 *
 *   y = x + drift s(x) + scale L z,  accepted when log u < log p(y) - log p(x) + correction
 *
 * Output `output` of the kernel is log p. Without a score (`scored` false; drift is not used) the walk is symmetric and the
 * correction 0. With it the first d outputs are the score s, the shape must be 'unit', and the correction is that of the
 * Metropolis-adjusted Langevin algorithm with drift = scale^2 / 2:
 *
 *   log q(x | y) - log q(y | x) = |z|^2 / 2 - |x - y - drift s(y)|^2 / (2 scale^2)
 *
 * z: normals at (step, channel); u: the first word at (step, acceptance). `logDensity` [n] holds log p(x) before and after;
 * with fresh = 1 it is computed first. `outcome` [n] counts what was accepted and becomes `FAILED` for good where a density
 * was NaN or +Infinity; such a proposal is rejected.
 */
export function metropolisShader(
  { code }: KernelCode,
  d: number,
  shape: NoiseShape,
  scored: boolean,
  output: number,
): Shader<keyof typeof BUFFERS, keyof typeof PARAMS> {
  const drift = scored ? 'p.drift * result[r]' : '0.0';
  return {
    name: `metropolis${d}${shape}`,
    buffers: BUFFERS,
    params: PARAMS,
    per: 'item',
    code: `${code}
${noiseCode(d, shape)}
${UNIFORM}
fn usable() -> bool {
  let bits = result_bits(${output}u);
  return !failed && ((bits & 0x7f800000u) != 0x7f800000u || bits == 0xff800000u);
}
fn density() -> f32 { return max(result[${output}], -3e38); }
fn item(i: u32) {
  let at = i * ${d}u;
  ${scored ? 'kernel(at);' : 'if (p.fresh == 1u) { kernel(at); }'}
  var good = true;
  if (p.fresh == 1u) {
    good = usable();
    logDensity[i] = density();
    outcome[i] = select(${FAILED}u, 0u, good);
  }
  draw(p.first + i, p.channel);
  var before: array<f32, ${d}>;
  for (var r = 0u; r < ${d}u; r++) {
    before[r] = x[at + r];
    x[at + r] = before[r] + ${drift} + p.scale * noiseOf(r);
  }
  kernel(at);
  good = usable();
  let now = density();
  var ratio = now - logDensity[i];
  ${scored ? correction(d) : ''}
  let u = uniform_word(philox(vec4<u32>(p.first + i, p.step, 0u, p.acceptance), vec2<u32>(p.k0, p.k1)).x);
  if (good && now > -3e38 && own_log(u) < ratio) {
    logDensity[i] = now;
    if (outcome[i] != ${FAILED}u) { outcome[i] += 1u; }
  } else {
    for (var r = 0u; r < ${d}u; r++) { x[at + r] = before[r]; }
  }
  if (!good) { outcome[i] = ${FAILED}u; }
}`,
  };
}

function correction(d: number): string {
  return `for (var r = 0u; r < ${d}u; r++) {
    let back = (before[r] - x[at + r] - p.drift * result[r]) / p.scale;
    ratio += 0.5 * (noise[r] * noise[r] - back * back);
  }`;
}
