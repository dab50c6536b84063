import type { StateArray } from '../array/codec.ts';
import { show } from '../check.ts';
import { InputError, ShapeError } from '../errors.ts';
import { VERSION } from '../version.ts';
import { canonicalNaN, sha256 } from './canonical.ts';
import { PROTOCOL } from './plan.ts';
import type { BlobRef, BlobStore, Field, Fields } from './types.ts';

/*
 * The result of a shard as bytes, little-endian: 'ENS1', u32 length of the header, the header, zeros to a multiple of 8,
 * the body: arrays at multiples of 8, readable in place. A body above 256 kB lies in the blob store under its own hash.
 *
 * The header is JSON in UTF-8 and not msgpack as in the specification: it has a few hundred bytes, and JSON.parse is
 * there already; a second parser of what a network sends is one more to trust.
 */

/** Bodies up to this travel inside the record. */
export const MOST_INLINE: number = 256 * 1024;
/** Contents that a shard may keep besides. */
const MOST_KEPT = 1000;
/** Longest header a reader looks at. */
const MOST_HEADER = 2 ** 20;
/** Longest body that is ever read. */
const MOST_BODY = 2 ** 32;
const MAGIC = 0x31534e45; // 'ENS1'
const START = 8;

const TYPES = { f64: Float64Array, f32: Float32Array, u32: Uint32Array, i32: Int32Array, u8: Uint8Array };
type Dtype = 'f64' | 'f32' | 'u32' | 'i32' | 'u8';

/** What a record says of itself. Only `bodyHash` is compared between two computations of a shard. */
export interface RecordHeader {
  readonly protocol: number;
  readonly runId: string;
  readonly index: number;
  readonly engine: string;
  readonly class: string;
  /** sha256 of the body. */
  readonly bodyHash: string;
  /** Length of the body, wherever it lies. */
  readonly bodyBytes: number;
  readonly fields: readonly FieldEntry[];
  /** What lies in the blob store: first the body, if it is above 256 kB, then what its shard kept there. */
  readonly blobs: readonly BlobRef[];
  readonly evaluations: number;
  readonly wallMs: number;
  readonly host: string;
  readonly pid: number;
}

interface FieldEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly bytes: number;
}

/** What the writer of a record knows besides its fields. */
export type RecordOrigin = Pick<
  RecordHeader,
  'runId' | 'index' | 'class' | 'evaluations' | 'wallMs' | 'host' | 'pid'
>;

/**
 * A record of fields; a body above 256 kB goes into `blobs` first.
 * @param kept what the shard put there itself, at most 1000 contents.
 * @throws ShapeError for a shape that does not fit its data, or a name that is none.
 */
export async function writeRecord(
  origin: RecordOrigin,
  fields: Fields,
  blobs: BlobStore,
  kept: readonly BlobRef[] = [],
): Promise<Uint8Array> {
  if (kept.length > MOST_KEPT) throw tooManyKept(kept.length);
  const { entries, body } = layOut(fields);
  const far = body.length > MOST_INLINE ? [await blobs.put(body)] : [];
  const header: RecordHeader = {
    protocol: PROTOCOL,
    ...origin,
    engine: VERSION,
    bodyHash: sha256(body),
    bodyBytes: body.length,
    fields: entries,
    blobs: [...far, ...kept],
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const at = padded(START + text.length);
  const bytes = new Uint8Array(at + (far.length > 0 ? 0 : body.length));
  const numbers = new DataView(bytes.buffer);
  numbers.setUint32(0, MAGIC, true);
  numbers.setUint32(4, text.length, true);
  bytes.set(text, START);
  if (far.length === 0) bytes.set(body, at);
  return bytes;
}

function layOut(fields: Fields): { readonly entries: readonly FieldEntry[]; readonly body: Uint8Array } {
  let offset = 0;
  const entries = Object.entries(fields).map(([name, { data, shape }]): FieldEntry => {
    const entry = { name, dtype: dtypeOf(data), shape, offset, bytes: data.byteLength };
    const reason = faultOf(entry);
    if (reason !== undefined)
      throw new ShapeError({
        where: 'cluster record',
        found: `field ${show(name)} ${reason}`,
        expected: 'a name of letters and digits, and a shape that multiplies to the length',
      });
    offset += padded(data.byteLength);
    return entry;
  });
  const body = new Uint8Array(offset);
  entries.forEach(({ name, offset: at }) => {
    const data = canonicalNaN(fields[name]!.data);
    body.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
  });
  return { entries, body };
}

function dtypeOf(data: StateArray): Dtype {
  return (Object.keys(TYPES) as Dtype[]).find((dtype) => data instanceof TYPES[dtype]) ?? 'u8';
}

/** A record whose header is checked. */
export interface ReadRecord {
  readonly header: RecordHeader;
  /** Undefined when it lies in the blob store. */
  readonly body: Uint8Array | undefined;
}

/**
 * The header of a record, every word of it checked, and its body where that is inside.
 * @throws InputError for anything that `writeRecord` does not write, and for another protocol, with both numbers.
 */
export function readRecord(bytes: Uint8Array, file = 'record'): ReadRecord {
  const refuse = (found: string, expected = 'an unchanged record'): InputError =>
    new InputError({ where: 'cluster', file, found: `${file} ${found}`, expected });
  if (bytes.length < START) throw refuse(`has ${bytes.length} bytes`);
  const numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (numbers.getUint32(0, true) !== MAGIC) throw refuse('does not begin with ENS1');
  const length = numbers.getUint32(4, true);
  if (length > MOST_HEADER || START + length > bytes.length)
    throw refuse(`says its header has ${length} bytes`);
  const at = padded(START + length);
  const header = parse(bytes.subarray(START, START + length));
  if (header?.protocol !== PROTOCOL)
    throw refuse(`has protocol ${show(header?.protocol)}`, `protocol ${PROTOCOL}`);
  const fault = headerFault(header);
  if (fault !== undefined) throw refuse(fault);
  const { bodyBytes, bodyHash } = header;
  const far = bodyBytes > MOST_INLINE;
  if (bytes.subarray(START + length, at).some((byte) => byte !== 0))
    throw refuse('has no zeros before its body');
  if (bytes.length !== at + (far ? 0 : bodyBytes)) throw refuse(`has ${bytes.length} bytes`);
  if (far) return { header, body: undefined };
  const body = bytes.subarray(at);
  if (sha256(body) !== bodyHash) throw refuse('has another body than its hash says');
  return { header, body };
}

/** Fields of a record, fresh; from the blob store where its body lies there. @throws ClusterError for a bad blob. */
export async function readFields({ header, body }: ReadRecord, blobs: BlobStore): Promise<Fields> {
  // A copy: `slice` of a Buffer is none.
  const bytes = new Uint8Array(body ?? (await blobs.get(header.blobs[0]!)));
  return Object.fromEntries(
    header.fields.map(({ name, dtype, shape, offset, bytes: size }): [string, Field] => {
      const type = TYPES[dtype];
      return [name, { data: new type(bytes.buffer, offset, size / type.BYTES_PER_ELEMENT), shape }];
    }),
  );
}

function parse(bytes: Uint8Array): RecordHeader | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return value !== null && typeof value === 'object' ? (value as RecordHeader) : undefined;
  } catch {
    return undefined;
  }
}

const KEYS =
  'protocol runId index class evaluations wallMs host pid engine bodyHash bodyBytes fields blobs'.split(' ');

/** What is wrong with a header; undefined when nothing is. */
function headerFault(header: RecordHeader): string | undefined {
  const { runId, index, engine, bodyHash, bodyBytes, fields, blobs, evaluations, wallMs, host, pid } = header;
  const keys = Object.keys(header);
  if (keys.length !== KEYS.length || keys.some((key) => !KEYS.includes(key))) return 'has other entries';
  if (!isHex(runId, 32) || !isHex(header.class, 16) || !isHex(bodyHash, 64)) return 'has a hash that is none';
  if (![index, bodyBytes, evaluations, pid].every(isCount) || bodyBytes > MOST_BODY)
    return 'has a count that is none';
  if (typeof wallMs !== 'number' || !(wallMs >= 0)) return 'has a duration that is none';
  if (![engine, host].every((text) => typeof text === 'string' && text.length <= 255))
    return 'has a bad text';
  if (!Array.isArray(fields) || !Array.isArray(blobs) || blobs.length > MOST_KEPT + 1)
    return 'has a list that is none';
  const refs = blobs as readonly (Partial<BlobRef> | null)[];
  if (!refs.every((ref) => isHex(ref?.sha256, 64) && isCount(ref?.bytes))) return 'has a blob that is none';
  const [far] = refs;
  const elsewhere = far?.sha256 !== bodyHash || far.bytes !== bodyBytes;
  if (bodyBytes > MOST_INLINE && elsewhere) return 'has its body in the wrong place';
  let end = 0;
  const seen = new Set<string>();
  for (const field of fields as readonly Partial<FieldEntry>[]) {
    const fault = faultOf(field);
    if (fault !== undefined) return `has a field that ${fault}`;
    const { name, offset, bytes } = field as FieldEntry;
    if (offset !== end || seen.has(name)) return 'has fields that overlap';
    seen.add(name);
    end += padded(bytes);
  }
  return end === bodyBytes ? undefined : 'has fields of another length';
}

function faultOf(field: Partial<FieldEntry> | null): string | undefined {
  const { name, dtype, shape, offset, bytes } = field ?? {};
  if (typeof name !== 'string' || !/^[A-Za-z0-9_.-]{1,64}$/.test(name) || name === '__proto__')
    return 'has a bad name';
  if (typeof dtype !== 'string' || !Object.hasOwn(TYPES, dtype)) return 'has a bad type';
  if (!Array.isArray(shape) || shape.length > 8 || !shape.every(isCount)) return 'has a bad shape';
  if (!isCount(offset) || !isCount(bytes)) return 'has a bad place';
  const size = shape.reduce((product: number, n: number) => product * n, TYPES[dtype].BYTES_PER_ELEMENT);
  return size === bytes ? undefined : 'has another length than its shape';
}

function tooManyKept(n: number): ShapeError {
  const found = `a shard kept ${n} contents`;
  return new ShapeError({ where: 'cluster record', found, expected: `at most ${MOST_KEPT}` });
}

function isHex(text: unknown, length: number): boolean {
  return typeof text === 'string' && text.length === length && /^[0-9a-f]*$/.test(text);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
