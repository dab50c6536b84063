/** An ONNX file of layers, written by hand: protocol buffers are tags, lengths and bytes. */
const TEXT = new TextEncoder();
const FLOAT = 1;

type Bytes = readonly Uint8Array[];

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Uint8Array.of(...bytes, left);
    bytes.push((left % 128) + 128);
  }
}

function join(parts: Bytes): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const integer = (field: number, value: number): Uint8Array => join([varint(field * 8), varint(value)]);
const bytes = (field: number, value: Uint8Array): Uint8Array =>
  join([varint(field * 8 + 2), varint(value.length), value]);
const text = (field: number, value: string): Uint8Array => bytes(field, TEXT.encode(value));

function port(name: string, shape: readonly (number | string)[]): Uint8Array {
  const dims = shape.map((n) => bytes(1, typeof n === 'string' ? text(2, n) : integer(1, n)));
  return join([text(1, name), bytes(2, bytes(1, join([integer(1, FLOAT), bytes(2, join(dims))])))]);
}

function weights(name: string, rows: number, columns: number): Uint8Array {
  const values = Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(1.7 * i) / Math.sqrt(rows));
  const dims = [integer(1, rows), integer(1, columns), integer(2, FLOAT)];
  return join([...dims, text(8, name), bytes(9, new Uint8Array(values.buffer))]);
}

function node(op: string, inputs: readonly string[], output: string): Uint8Array {
  return bytes(1, join([...inputs.map((name) => text(1, name)), text(2, output), text(4, op)]));
}

/** x [N, d] and t [N, 1] to out [N, d], by tanh layers of one width: bounded, as predictions of noise are. */
export function layeredNetwork(d: number, width: number): Uint8Array {
  const graph = join([
    node('MatMul', ['x', 'w0'], 'a0'),
    node('MatMul', ['t', 'wt'], 'at'),
    node('Add', ['a0', 'at'], 'b0'),
    node('Tanh', ['b0'], 'c0'),
    node('MatMul', ['c0', 'w1'], 'a1'),
    node('Tanh', ['a1'], 'c1'),
    node('MatMul', ['c1', 'w2'], 'a2'),
    node('Tanh', ['a2'], 'out'),
    text(2, 'layers'),
    bytes(5, weights('w0', d, width)),
    bytes(5, weights('wt', 1, width)),
    bytes(5, weights('w1', width, width)),
    bytes(5, weights('w2', width, d)),
    bytes(11, port('x', ['N', d])),
    bytes(11, port('t', ['N', 1])),
    bytes(12, port('out', ['N', d])),
  ]);
  return join([integer(1, 8), bytes(7, graph), bytes(8, join([text(1, ''), integer(2, 13)]))]);
}
