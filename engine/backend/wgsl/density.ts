import type { Shader } from '../gpu/types.ts';
import type { KernelCode } from '../kernel/types.ts';

/**
 * Output `output` of a kernel at the rows of `x` [n, d] into `density` [n], bits as they are: NaN where it failed. One item
 * a row.
 */
export function densityShader(
  { code }: KernelCode,
  d: number,
  output: number,
): Shader<'x' | 'constants' | 'density', never> {
  return {
    name: `density${d}`,
    buffers: { x: 'read f32', constants: 'read f32', density: 'write words' },
    params: {},
    per: 'item',
    code: `${code}
fn item(i: u32) {
  kernel(i * ${d}u);
  density[i] = result_bits(${output}u);
}`,
  };
}
