import type { Gpu, GpuArena, GpuArray, Shader } from '../gpu/types.ts';
import { elementary } from './elementary.ts';

/** Numbers of a work group: each of its 256 lanes has `OWN`. */
const OWN = 16;
const REDUCE_BLOCK = 256 * OWN;

/**
 * On the card a log-weight of -3e38 or less is dead: nothing there may depend on -Infinity, though its bits are known
 * here. The host writes and reads such numbers as they are.
 */
export const DEAD = -3e38;

const GOOD = 0xffffffff;

/**
 * Of each block of 4096 log-weights: the largest, and the sums of w and w^2, w = exp(power (l - largest)), as a row of `partial`
 * [blocks, 3]; and the index of the first that is NaN or +Infinity in `bad` [blocks], else 2^32 - 1. Weights are looked
 * at as words, because a card may take it that a float is never NaN. A block of dead ones has sums 0.
 */
const summaryBlocks: Shader<'words' | 'partial' | 'bad', 'n' | 'power'> = {
  name: 'summaryBlocks',
  buffers: { words: 'read words', partial: 'write f32', bad: 'write u32' },
  params: { n: 'u32', power: 'f32' },
  per: 'group',
  code: `${elementary('e_exp')}
struct Part { most: f32, sum: f32, squares: f32, bad: u32 }
var<workgroup> part: array<Part, LANES>;
const NONE = Part(${DEAD}, 0.0, 0.0, ${GOOD}u);
fn joined(a: Part, b: Part) -> Part {
  let e = e_exp(-p.power * abs(a.most - b.most));
  let first = select(e, 1.0, a.most >= b.most);
  let second = select(1.0, e, a.most >= b.most);
  return Part(
    max(a.most, b.most),
    a.sum * first + b.sum * second,
    a.squares * first * first + b.squares * second * second,
    min(a.bad, b.bad),
  );
}
fn group(g: u32, lane: u32) {
  let first = g * ${REDUCE_BLOCK}u + lane;
  var own = NONE;
  for (var k = 0u; k < ${OWN}u; k++) {
    let i = first + k * LANES;
    if (i < p.n) {
      let word = words[i];
      if ((word & 0x7fffffffu) < 0x7f800000u) {
        own.most = max(own.most, bitcast<f32>(word));
      } else if (word != 0xff800000u) {
        own.bad = min(own.bad, i);
      }
    }
  }
  for (var k = 0u; k < ${OWN}u; k++) {
    let i = first + k * LANES;
    if (i < p.n) {
      let word = words[i];
      if ((word & 0x7fffffffu) < 0x7f800000u) {
        let l = bitcast<f32>(word);
        if (l > ${DEAD}) {
          let w = e_exp(p.power * (l - own.most));
          own.sum += w;
          own.squares += w * w;
        }
      }
    }
  }
  part[lane] = own;
  workgroupBarrier();
  if (lane < 16u) {
    for (var k = 1u; k < 16u; k++) { part[16u * lane] = joined(part[16u * lane], part[16u * lane + k]); }
  }
  workgroupBarrier();
  if (lane == 0u) {
    own = part[0];
    for (var k = 16u; k < LANES; k += 16u) { own = joined(own, part[k]); }
    partial[3u * g] = own.most;
    partial[3u * g + 1u] = own.sum;
    partial[3u * g + 2u] = own.squares;
    bad[g] = own.bad;
  }
}`,
};

/** What one pass over n log-weights on the card tells; the fields of the host's `WeightSummary`. */
export interface CardSummary {
  /** -Infinity when all are dead. */
  readonly max: number;
  /** Sum of exp(l - max), to about 1e-6 relative: terms in float32, blocks in float64. */
  readonly sum: number;
  /** Sum of exp(l - max)^2. */
  readonly squares: number;
  /** Index of the first NaN or +Infinity; undefined when there is none, else the other fields leave such ones out. */
  readonly bad: number | undefined;
}

/** Sums up log-weights on a card, again and again in scratch of its own. */
export interface CardReduce {
  /**
   * Summary of power times the n log-weights, power > 0; four numbers for every 4096 come back. Dead is dead at any power.
   */
  run(logWeight: GpuArray<'f32'>, power?: number): Promise<CardSummary>;
}

export function makeReduce(gpu: Gpu, arena: GpuArena, n: number): CardReduce {
  const blocks = Math.ceil(n / REDUCE_BLOCK);
  const partial = arena.f32(3 * blocks);
  const bad = arena.u32(blocks);
  return {
    async run(logWeight, power = 1) {
      gpu.run(summaryBlocks, { words: logWeight, partial, bad }, { n, power }, blocks);
      const [parts, firstBad] = await Promise.all([gpu.read(partial), gpu.read(bad)]);
      return finished(parts, firstBad, power);
    },
  };
}

function finished(parts: Float32Array, firstBad: Uint32Array, power: number): CardSummary {
  const blocks = firstBad.length;
  let max = -Infinity;
  for (let b = 0; b < blocks; b++) if (parts[3 * b + 1]! > 0) max = Math.max(max, power * parts[3 * b]!);
  let [sum, squares, bad] = [0, 0, GOOD];
  for (let b = 0; b < blocks; b++) {
    bad = Math.min(bad, firstBad[b]!);
    if (parts[3 * b + 1] === 0) continue;
    const scale = Math.exp(power * parts[3 * b]! - max);
    sum += scale * parts[3 * b + 1]!;
    squares += scale * scale * parts[3 * b + 2]!;
  }
  return { max, sum, squares, bad: bad === GOOD ? undefined : bad };
}
