import { show } from '../check.ts';
import { ShapeError } from '../errors.ts';
import { ONNX_ARRAYS, type OnnxArray, type OnnxNetwork } from '../model/onnx.ts';
import type { Times } from './denoiser.ts';
import {
  type ConditionArray,
  conditionArrays,
  type OnnxConditions,
  type OnnxInput,
  type OnnxLayout,
} from './onnx-inputs.ts';

/*
 * Runs of a network: points as rows of float32, and back.
 */

/** Arrays of one run; a pool of them, since calls may overlap. */
interface Room {
  readonly x: Float32Array | Float64Array;
  readonly time: OnnxArray | undefined;
  readonly conditions: Readonly<Record<string, ConditionArray>>;
}

/** The network at points x [n, d] told `label`, one for all or [n], into `out` [n, d]; `first` is the place of the first of them. */
export type NetworkCall = (x: Float64Array, label: Times, out: Float64Array, first?: number) => Promise<void>;

/**
 * The network over blocks of at most `rows` points, as many at once as it has sessions; each point with the conditions of all
 * `rounds`, one or u and c of guidance. A round has one condition, or one for the point in each place.
 */
export function networkCall(
  where: string,
  network: OnnxNetwork,
  layout: OnnxLayout,
  rounds: readonly (readonly OnnxConditions[])[],
  scale: number,
  rows: number,
): NetworkCall {
  const { x: input, time: timed, dimension: d, fixed } = layout;
  const copies = rounds.length;
  const pool: Room[] = [];
  const places = rounds[0]!.length;
  // From any place on, a network for a fixed number of rows finds as many.
  const conditions = conditionArrays(where, network, layout, rounds, places > 1 ? places + rows : rows);
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
    first: number,
  ): Promise<void> => {
    const room = pool.pop() ?? open();
    spread(x, d, copies, lo, hi, room.x);
    if (room.time !== undefined) tellTime(timed!, label, copies, lo, hi, room.time);
    const count = fixed ?? (hi - lo) * copies;
    const from = places > 1 ? (first + lo) * copies : 0;
    const found = await network.run(feedsOf(layout, room, from, count), count, layout.shape);
    pool.push(room);
    const values = found[layout.output] as Float32Array;
    if (values.length !== count * d) throw wrongOutput(where, network, layout, values.length, count);
    gather(values, d, copies, scale, lo, hi, out);
  };
  const sessions = network.sessions;
  return async (x, label, out, first = 0) => {
    const n = x.length / d;
    if (places > 1 && first + n > places) throw tooMany(where, network, first + n, places);
    // Even shares, so that no session waits for another.
    const size = sessions === 1 ? rows : Math.ceil(n / (sessions * Math.ceil(n / (sessions * rows))));
    let next = 0;
    const session = async (): Promise<void> => {
      while (next < n) {
        const lo = next;
        next = Math.min(n, lo + size);
        if (timed?.shared && typeof label !== 'number') next = sameUntil(label, lo, next);
        await block(x, label, out, lo, next, first);
      }
    };
    if (sessions === 1) return session();
    const stop = (cause: unknown): never => {
      next = n;
      throw cause;
    };
    // Whatever fails, none is left that writes.
    const ended = await Promise.allSettled(Array.from({ length: sessions }, () => session().catch(stop)));
    for (const each of ended) if (each.status === 'rejected') throw each.reason;
  };
}

function tooMany(where: string, { name }: OnnxNetwork, rows: number, places: number): ShapeError {
  const found = `${rows} rows for ${name}`;
  return new ShapeError({ where, found, expected: `at most ${places}, a row for each condition` });
}

function feedsOf(
  { x, time, dimension, rest }: OnnxLayout,
  room: Room,
  from: number,
  count: number,
): Record<string, OnnxArray> {
  const feeds: Record<string, OnnxArray> = { [x.value.name]: room.x.subarray(0, count * dimension) };
  if (time !== undefined) feeds[time.value.name] = time.shared ? room.time! : room.time!.subarray(0, count);
  for (const { value, shared } of rest) {
    const { values, width } = room.conditions[value.name]!;
    feeds[value.name] = shared ? values : values.subarray(from * width, (from + count) * width);
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
