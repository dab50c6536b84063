import { createHash } from 'node:crypto';
import { show } from '../check.ts';
import { OptionError } from '../errors.ts';
import type { PlanValue } from './types.ts';

/*
 * One text for equal values: keys in the order of their code units, numbers as JavaScript writes them (RFC 8785), what
 * JSON has not as { $number: 'NaN' } or { $f64: base64 }. A record with a key that begins with $ is refused.
 */

const ARRAYS = {
  $f64: Float64Array,
  $f32: Float32Array,
  $u32: Uint32Array,
  $i32: Int32Array,
  $u8: Uint8Array,
} as const;

/** sha256 in hexadecimal. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * The one text of a value. NaN inside arrays is the canonical one.
 * @throws OptionError for what is neither JSON nor a typed array.
 */
export function canonicalJson(value: PlanValue | undefined, path = 'plan'): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return canonicalNumber(value);
  if (Array.isArray(value))
    return `[${value.map((entry, i) => canonicalJson(entry as PlanValue, `${path}[${i}]`)).join(',')}]`;
  if (ArrayBuffer.isView(value)) return canonicalArray(value, path);
  if (typeof value !== 'object' || !isPlain(value)) throw noValue(path, value);
  const record = value as { readonly [name: string]: PlanValue | undefined };
  const parts: string[] = [];
  for (const name of Object.keys(record).sort()) {
    if (name.startsWith('$') || name === '__proto__') throw noValue(`${path}.${name}`, name);
    if (record[name] !== undefined)
      parts.push(`${JSON.stringify(name)}:${canonicalJson(record[name], `${path}.${name}`)}`);
  }
  return `{${parts.join(',')}}`;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function canonicalNumber(value: number): string {
  if (Object.is(value, -0)) return '{"$number":"-0"}';
  return Number.isFinite(value) ? String(value) : `{"$number":"${value}"}`;
}

function canonicalArray(value: ArrayBufferView, path: string): string {
  const name = Object.entries(ARRAYS).find(([, type]) => value instanceof type)?.[0];
  if (name === undefined) throw noValue(path, value);
  const own = canonicalNaN(value as Float64Array);
  return `{"${name}":"${Buffer.from(own.buffer, own.byteOffset, own.byteLength).toString('base64')}"}`;
}

/** The array with every NaN in its one usual form; itself when it holds none. */
export function canonicalNaN<A extends ArrayBufferView>(array: A): A {
  if (!(array instanceof Float64Array || array instanceof Float32Array)) return array;
  let own: Float64Array | Float32Array = array;
  for (let i = 0; i < own.length; i++) {
    if (!Number.isNaN(own[i])) continue;
    if (own === array) own = array.slice();
    own[i] = Number.NaN;
  }
  return own as ArrayBufferView as A;
}

/** The value of a canonical text. @throws SyntaxError when it is none. */
export function readCanonical(text: string): PlanValue {
  return JSON.parse(text, (_name, value: unknown) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
    const [[name, content] = [], ...more] = Object.entries(value);
    if (name === undefined || !name.startsWith('$')) return value;
    if (more.length > 0 || typeof content !== 'string') throw new SyntaxError(`${name} is no value`);
    if (name === '$number') return Number(content);
    if (!Object.hasOwn(ARRAYS, name)) throw new SyntaxError(`${name} is no type`);
    const type = ARRAYS[name as keyof typeof ARRAYS];
    const bytes = Uint8Array.from(Buffer.from(content, 'base64'));
    if (bytes.length % type.BYTES_PER_ELEMENT !== 0) throw new SyntaxError(`${name} is cut short`);
    return new type(bytes.buffer);
  }) as PlanValue;
}

function noValue(path: string, value: unknown): OptionError {
  const found = `\`${path}\` is ${show(value)}`;
  const expected = 'numbers, texts, typed arrays, and lists and records of them';
  return new OptionError({ where: 'makePlan', option: path, value, found, expected });
}
