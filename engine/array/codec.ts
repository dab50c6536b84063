import { OptionError } from '../errors.ts';

/** What a state may hold besides its header. */
export type StateArray = Float64Array | Float32Array | Uint32Array | Int32Array | Uint8Array;

/** A state read back. */
export interface DecodedState {
  readonly header: unknown;
  /** Fresh arrays, yours to keep. */
  readonly arrays: Readonly<Record<string, StateArray>>;
}

/*
 * Layout, little-endian, every section at a multiple of 8:
 *   0  'ENSAMPLE'            8  version u32      12  checksum u32 of everything from byte 16
 *  16  bytes in all f64     24  header length u32, 28 zero
 *  32  header: UTF-8 JSON { header, arrays: [name, type, length][] }, then each array's bytes
 */
const MAGIC = 'ENSAMPLE';
const VERSION = 1;
const START = 32;

const TYPES = { Float64Array, Float32Array, Uint32Array, Int32Array, Uint8Array } as const;
type TypeName = keyof typeof TYPES;
type Entry = readonly [name: string, type: TypeName, length: number];

/**
 * A state as bytes: `header` (JSON; NaN, infinities and -0 survive) and named typed arrays, bit for bit.
 * @throws OptionError on a machine that stores numbers big-endian.
 */
export function encodeState(header: unknown, arrays: Readonly<Record<string, StateArray>> = {}): Uint8Array {
  checkEndianness();
  const entries = Object.entries(arrays).map(([name, array]): Entry => [name, typeName(array), array.length]);
  const text = new TextEncoder().encode(JSON.stringify({ header, arrays: entries }, mark));
  let size = padded(START + text.length);
  for (const array of Object.values(arrays)) size += padded(array.byteLength);
  const bytes = new Uint8Array(size);
  bytes.set(new TextEncoder().encode(MAGIC));
  bytes.set(text, START);
  let at = padded(START + text.length);
  for (const array of Object.values(arrays)) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
    at += padded(array.byteLength);
  }
  const numbers = new DataView(bytes.buffer);
  numbers.setUint32(8, VERSION, true);
  numbers.setFloat64(16, size, true);
  numbers.setUint32(24, text.length, true);
  numbers.setUint32(12, checksum(bytes), true);
  return bytes;
}

/**
 * Read back what `encodeState` wrote.
 * @throws OptionError when the bytes are not a state, of another version, cut short or damaged.
 */
export function decodeState(bytes: Uint8Array): DecodedState {
  checkEndianness();
  if (!(bytes instanceof Uint8Array)) throw broken(bytes, 'it is not a Uint8Array');
  // A copy: the arrays below need an aligned buffer of their own.
  const own = Uint8Array.from(bytes);
  const text = new TextDecoder();
  if (own.length < START || text.decode(own.subarray(0, 8)) !== MAGIC)
    throw broken(bytes, 'it does not start like one');
  const numbers = new DataView(own.buffer);
  const version = numbers.getUint32(8, true);
  if (version !== VERSION)
    throw broken(bytes, `it has format ${version}, and this version reads format ${VERSION}`);
  const size = numbers.getFloat64(16, true);
  if (size !== own.length) throw broken(bytes, `it has ${own.length} of its ${size} bytes`);
  if (numbers.getUint32(12, true) !== checksum(own)) throw broken(bytes, 'its checksum does not match');
  const length = numbers.getUint32(24, true);
  const { header, arrays } = JSON.parse(text.decode(own.subarray(START, START + length)), unmark) as {
    header: unknown;
    arrays: Entry[];
  };
  return { header, arrays: readArrays(own.buffer, padded(START + length), arrays) };
}

function readArrays(
  buffer: ArrayBuffer,
  start: number,
  entries: readonly Entry[],
): Record<string, StateArray> {
  const arrays: Record<string, StateArray> = {};
  let at = start;
  for (const [name, type, length] of entries) {
    arrays[name] = new TYPES[type](buffer, at, length).slice();
    at += padded(arrays[name].byteLength);
  }
  return arrays;
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

function typeName(array: StateArray): TypeName {
  const name = Object.prototype.toString.call(array).slice(8, -1);
  if (name in TYPES) return name as TypeName;
  throw new OptionError({
    where: 'encodeState',
    option: 'arrays',
    value: array,
    found: `an array is a ${name}`,
    expected: `one of ${Object.keys(TYPES).join(', ')}`,
  });
}

/** FNV-1a over 32-bit words from byte 16: each step is one-to-one, so any one changed word is seen. */
function checksum(bytes: Uint8Array<ArrayBuffer>): number {
  const words = new Uint32Array(bytes.buffer, 16, (bytes.length - 16) >> 2);
  let hash = 0x811c9dc5;
  for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ words[i]!, 0x01000193);
  return hash >>> 0;
}

/** JSON has no NaN, infinities or -0; they travel as { $number: 'NaN' }. */
function mark(_key: string, value: unknown): unknown {
  if (typeof value !== 'number') return value;
  if (Object.is(value, -0)) return { $number: '-0' };
  return Number.isFinite(value) ? value : { $number: String(value) };
}

function unmark(_key: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || !('$number' in value)) return value;
  return Number(value.$number);
}

function checkEndianness(): void {
  if (new Uint8Array(Uint32Array.of(1).buffer)[0] === 1) return;
  throw new OptionError({
    where: 'snapshot',
    option: 'state',
    value: undefined,
    found: 'this machine stores numbers big-endian',
    expected: 'a little-endian machine',
  });
}

function broken(value: unknown, reason: string): OptionError {
  return new OptionError({
    where: 'restore',
    option: 'from',
    value,
    found: `the saved state cannot be read: ${reason}`,
    expected: 'the unchanged bytes of an earlier snapshot',
    fix: 'Start the run afresh, or pass the right file.',
  });
}
