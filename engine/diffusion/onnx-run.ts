import { show } from '../check.ts';
import { ShapeError } from '../errors.ts';
import { ONNX_ARRAYS, type OnnxArray, type OnnxNetwork } from '../model/onnx.ts';
import type { Times } from './denoiser.ts';
import { conditionArrays, type OnnxConditions, type OnnxInput, type OnnxLayout } from './onnx-inputs.ts';

/*
 * Runs of a network: points as rows of float32, and back.
 */

/** Arrays of one run; a pool of them, since calls may overlap. */
interface Room {
  readonly x: Float32Array | Float64Array;
  readonly time: OnnxArray | undefined;
  readonly conditions: Readonly<Record<string, OnnxArray>>;
}

/** The network at points x [n, d] told `label`, one for all or [n], into `out` [n, d]. */
export type NetworkCall = (x: Float64Array, label: Times, out: Float64Array) => Promise<void>;

/** The network over blocks of at most `rows` points, each with the conditions of all `rounds`: one, or u and c of guidance. */
export function networkCall(
  where: string,
  network: OnnxNetwork,
  layout: OnnxLayout,
  rounds: readonly OnnxConditions[],
  scale: number,
  rows: number,
): NetworkCall {
  const { x: input, time: timed, dimension: d, fixed } = layout;
  const copies = rounds.length;
  const pool: Room[] = [];
  const conditions = conditionArrays(where, network, layout, rounds, rows * copies);
  const open = (): Room => ({
    x: input.type === 'float64' ? new Float64Array(rows * copies * d) : new Float32Array(rows * copies * d),
    time: timed === undefined ? undefined : new ONNX_ARRAYS[timed.type](timed.shared ? 1 : rows * copies),
    conditions,
  });
  const block = async (
    x: Float64Array,
    label: Times,
    out: Float64Array,
    lo: number,
    hi: number,
  ): Promise<void> => {
    const room = pool.pop() ?? open();
    spread(x, d, copies, lo, hi, room.x);
    if (room.time !== undefined) tellTime(timed!, label, copies, lo, hi, room.time);
    const count = fixed ?? (hi - lo) * copies;
    const found = await network.run(feedsOf(layout, room, count), count, layout.shape);
    pool.push(room);
    const values = found[layout.output] as Float32Array;
    if (values.length !== count * d) throw wrongOutput(where, network, layout, values.length, count);
    gather(values, d, copies, scale, lo, hi, out);
  };
  return async (x, label, out) => {
    const n = x.length / d;
    for (let lo = 0, hi = 0; lo < n; lo = hi) {
      hi = Math.min(n, lo + rows);
      if (timed?.shared && typeof label !== 'number') hi = sameUntil(label, lo, hi);
      await block(x, label, out, lo, hi);
    }
  };
}

function feedsOf(
  { x, time, dimension, rest }: OnnxLayout,
  room: Room,
  count: number,
): Record<string, OnnxArray> {
  const feeds: Record<string, OnnxArray> = { [x.value.name]: room.x.subarray(0, count * dimension) };
  if (time !== undefined) feeds[time.value.name] = time.shared ? room.time! : room.time!.subarray(0, count);
  for (const { value, shared } of rest) {
    const all = room.conditions[value.name]!;
    // Of the width that was given: all rows have as much.
    const width = shared ? 0 : all.length / (room.x.length / dimension);
    feeds[value.name] = shared ? all : all.subarray(0, count * width);
  }
  return feeds;
}

/** Points lo..hi-1, each `copies` times, into the first rows. */
function spread(
  x: Float64Array,
  d: number,
  copies: number,
  lo: number,
  hi: number,
  into: Float32Array | Float64Array,
): void {
  if (copies === 1) {
    into.set(x.subarray(lo * d, hi * d));
    return;
  }
  for (let row = lo, at = 0; row < hi; row++)
    for (let copy = 0; copy < copies; copy++)
      for (let from = row * d; from < (row + 1) * d; from++) into[at++] = x[from]!;
}

function tellTime(
  { type, shared }: OnnxInput,
  label: Times,
  copies: number,
  lo: number,
  hi: number,
  into: OnnxArray,
): void {
  const whole = type.startsWith('int');
  const count = shared ? 1 : (hi - lo) * copies;
  for (let at = 0; at < count; at++) {
    const told = typeof label === 'number' ? label : label[lo + Math.floor(at / copies)]!;
    const value = whole ? Math.round(told) : told;
    into[at] = type === 'int64' ? BigInt(value) : value;
  }
}

/** The predictions of points lo..hi-1; of two, u + scale (c - u). */
function gather(
  values: Float32Array,
  d: number,
  copies: number,
  scale: number,
  lo: number,
  hi: number,
  out: Float64Array,
): void {
  if (copies === 1) {
    const length = (hi - lo) * d;
    out.set(values.length === length ? values : values.subarray(0, length), lo * d);
    return;
  }
  for (let row = lo, at = 0; row < hi; row++, at += 2 * d)
    for (let c = 0; c < d; c++) {
      const u = values[at + c]!;
      out[row * d + c] = u + scale * (values[at + d + c]! - u);
    }
}

function sameUntil(label: Float64Array, lo: number, hi: number): number {
  let next = lo + 1;
  while (next < hi && label[next] === label[lo]) next++;
  return next;
}

function wrongOutput(
  where: string,
  network: OnnxNetwork,
  { output, dimension }: OnnxLayout,
  length: number,
  rows: number,
): ShapeError {
  return new ShapeError({
    where,
    found: `output ${show(output)} of ${network.name} has ${length} numbers for ${rows} rows of ${dimension}`,
    expected: `${rows * dimension}`,
  });
}
