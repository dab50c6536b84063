import type { Shader } from '../gpu-types.ts';

/** Base points of a block, as in the fixed tree of the host's sums. */
const BLOCK = 1024;

/**
 * Ranges of the outputs `y` [points, rows, outputs] of a design, by blocks of 1024 base points; one group for each
 * block and output, number block * outputs + output. Into `ranges` [groups, 4] the least and the greatest output over
 * the first and the last row of a base point, then over all rows; into `failed` [groups] how many outputs are not
 * finite, which ranges leave out. Comparisons with NaN mean nothing on a card, so bits are looked at.
 */
export const outputRanges: Shader<'y' | 'ranges' | 'failed', 'rows' | 'outputs'> = {
  name: 'outputRanges',
  buffers: { y: 'read words', ranges: 'write f32', failed: 'write u32' },
  params: { rows: 'u32', outputs: 'u32' },
  per: 'group',
  code: `const MOST = 0x1.fffffep+127f;
var<workgroup> range_part: array<vec4<f32>, LANES>;
var<workgroup> failed_part: array<u32, LANES>;
fn group(g: u32, lane: u32) {
  let block = g / p.outputs;
  let output = g % p.outputs;
  var range = vec4<f32>(MOST, -MOST, MOST, -MOST);
  var bad = 0u;
  for (var point = block * ${BLOCK}u + lane; point < (block + 1u) * ${BLOCK}u; point += LANES) {
    for (var row = 0u; row < p.rows; row++) {
      let bits = y[(point * p.rows + row) * p.outputs + output];
      if ((bits & 0x7f800000u) == 0x7f800000u) {
        bad++;
      } else {
        let value = bitcast<f32>(bits);
        range.z = min(range.z, value);
        range.w = max(range.w, value);
        if (row == 0u || row + 1u == p.rows) {
          range.x = min(range.x, value);
          range.y = max(range.y, value);
        }
      }
    }
  }
  range_part[lane] = range;
  failed_part[lane] = bad;
  workgroupBarrier();
  for (var step = LANES / 2u; step > 0u; step >>= 1u) {
    if (lane < step) {
      let other = range_part[lane + step];
      let own = range_part[lane];
      range_part[lane] = vec4<f32>(min(own.x, other.x), max(own.y, other.y), min(own.z, other.z), max(own.w, other.w));
      failed_part[lane] += failed_part[lane + step];
    }
    workgroupBarrier();
  }
  if (lane == 0u) {
    let total = range_part[0];
    ranges[4u * g] = total.x;
    ranges[4u * g + 1u] = total.y;
    ranges[4u * g + 2u] = total.z;
    ranges[4u * g + 3u] = total.w;
    failed[g] = failed_part[0];
  }
}`,
};
