import type { Gpu, GpuArena, GpuArray, Shader } from '../gpu/types.ts';
import { LIMBS } from './limbs.ts';

/** Elements that a lane adds, and a work group of 256 lanes. */
const OWN = 8;
const SCAN_BLOCK = 256 * OWN;

/**
 * Totals of lanes are added in 16 chunks of 16: two barriers where a tree takes sixteen, and on software adapters
 * barriers are what a scan costs.
 */
const PARTS = `${LIMBS}
fn load(i: u32) -> vec2<u32> {
  if (i >= p.n) { return vec2<u32>(0u, 0u); }
  let pair = vec2<u32>(q[2u * i], q[2u * i + 1u]);
  if (p.floats == 1u) { return integer64(pair); }
  return pair;
}
var<workgroup> part: array<vec2<u32>, LANES>;
fn scanChunk(start: u32) {
  for (var i = start + 1u; i < start + 16u; i++) { part[i] = add64(part[i], part[i - 1u]); }
}
fn chunksBefore(chunk: u32) -> vec2<u32> {
  var sum = vec2<u32>(0u, 0u);
  for (var c = 0u; c < chunk; c++) { sum = add64(sum, part[16u * c + 15u]); }
  return sum;
}
`;

const blockSums: Shader<'q' | 'sums', 'n' | 'floats'> = {
  name: 'blockSums',
  buffers: { q: 'read u32', sums: 'write u32' },
  params: { n: 'u32', floats: 'u32' },
  per: 'group',
  code: `${PARTS}
fn group(g: u32, lane: u32) {
  var sum = vec2<u32>(0u, 0u);
  for (var k = 0u; k < ${OWN}u; k++) { sum = add64(sum, load(g * ${SCAN_BLOCK}u + k * LANES + lane)); }
  part[lane] = sum;
  workgroupBarrier();
  if (lane < 16u) { scanChunk(16u * lane); }
  workgroupBarrier();
  if (lane == 0u) {
    sum = chunksBefore(16u);
    sums[2u * g] = sum.x;
    sums[2u * g + 1u] = sum.y;
  }
}`,
};

/** `before` holds the inclusive sums of the block totals. */
const blockScan: Shader<'q' | 'before' | 'cumulative', 'n' | 'floats'> = {
  name: 'blockScan',
  buffers: { q: 'read u32', before: 'read u32', cumulative: 'write u32' },
  params: { n: 'u32', floats: 'u32' },
  per: 'group',
  code: `${PARTS}
fn group(g: u32, lane: u32) {
  let first = g * ${SCAN_BLOCK}u + ${OWN}u * lane;
  var own: array<vec2<u32>, ${OWN}>;
  var sum = vec2<u32>(0u, 0u);
  for (var k = 0u; k < ${OWN}u; k++) {
    sum = add64(sum, load(first + k));
    own[k] = sum;
  }
  part[lane] = sum;
  workgroupBarrier();
  if (lane < 16u) { scanChunk(16u * lane); }
  workgroupBarrier();
  var carry = chunksBefore(lane / 16u);
  if ((lane & 15u) != 0u) { carry = add64(carry, part[lane - 1u]); }
  if (g > 0u) { carry = add64(carry, vec2<u32>(before[2u * g - 2u], before[2u * g - 1u])); }
  for (var k = 0u; k < ${OWN}u; k++) {
    let i = first + k;
    if (i < p.n) {
      sum = add64(carry, own[k]);
      cumulative[2u * i] = sum.x;
      cumulative[2u * i + 1u] = sum.y;
    }
  }
}`,
};

/** Inclusive prefix sums of integers on the card, again and again in scratch of its own. */
export interface CardScan {
  /**
   * Sums of `q` [2n] into `cumulative` [2n], pairs (low, high): the very numbers of `scanBlocks` on the host, whoever
   * adds them, because integers up to 2^53 are exact. Queued like any shader.
   */
  run(q: GpuArray<'u32'>, cumulative: GpuArray<'u32'>): void;
}

/**
 * A scan of n integers with a sum of at most 2^53. Blocks are summed, the sums scanned in the same way, and added back.
 * @param form how `q` holds them: 'limbs' (low, high), or 'float64': their bits, as a Float64Array has them.
 */
export function makeScan(gpu: Gpu, arena: GpuArena, n: number, form: 'limbs' | 'float64'): CardScan {
  const blocks = Math.ceil(n / SCAN_BLOCK);
  const params = { n, floats: form === 'float64' ? 1 : 0 };
  if (blocks <= 1)
    return { run: (q, cumulative) => gpu.run(blockScan, { q, before: q, cumulative }, params, blocks) };
  const sums = arena.u32(2 * blocks);
  const before = arena.u32(2 * blocks);
  const above = makeScan(gpu, arena, blocks, 'limbs');
  return {
    run(q, cumulative) {
      gpu.run(blockSums, { q, sums }, params, blocks);
      above.run(sums, before);
      gpu.run(blockScan, { q, before, cumulative }, params, blocks);
    },
  };
}
