/*
 * ONNX files written by hand: enough of the protocol buffers for small networks.
 */

const TEXT = new TextEncoder();
const TYPES = { float32: 1, uint8: 2, int32: 6, int64: 7, float16: 10, float64: 11 } as const;

export type OnnxType = keyof typeof TYPES;

/** 'N' is an open dimension. */
export interface OnnxPort {
  readonly name: string;
  readonly type?: OnnxType;
  readonly shape: readonly (number | string)[];
}

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly integers?: Readonly<Record<string, number>>;
}

export interface OnnxConstant {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
  readonly type?: 'float32' | 'int64';
}

export interface OnnxGraph {
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
  readonly constants?: readonly OnnxConstant[];
  readonly nodes: readonly OnnxNode[];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(left & 127n);
    left >>= 7n;
    bytes.push(left > 0n ? low | 128 : low);
  } while (left > 0n);
  return bytes;
}

const integer = (field: number, value: number): number[] => [...varint(field << 3), ...varint(value)];
const bytes = (field: number, value: ArrayLike<number>): number[] => [
  ...varint((field << 3) | 2),
  ...varint(value.length),
  ...Array.from(value),
];
const text = (field: number, value: string): number[] => bytes(field, TEXT.encode(value));

function constant({ name, shape, values, type = 'float32' }: OnnxConstant): number[] {
  const raw = type === 'float32' ? Float32Array.from(values) : BigInt64Array.from(values, BigInt);
  const dims = shape.flatMap((n) => integer(1, n));
  return [...dims, ...integer(2, TYPES[type]), ...text(8, name), ...bytes(9, new Uint8Array(raw.buffer))];
}

function port({ name, type = 'float32', shape }: OnnxPort): number[] {
  const dims = shape.flatMap((n) => bytes(1, typeof n === 'string' ? text(2, n) : integer(1, n)));
  return [...text(1, name), ...bytes(2, bytes(1, [...integer(1, TYPES[type]), ...bytes(2, dims)]))];
}

function node({ op, inputs, outputs, integers = {} }: OnnxNode): number[] {
  const attributes = Object.entries(integers).map(([name, value]) =>
    bytes(5, [...text(1, name), ...integer(3, value), ...integer(20, 2)]),
  );
  return [
    ...inputs.flatMap((name) => text(1, name)),
    ...outputs.flatMap((name) => text(2, name)),
    ...text(4, op),
    ...attributes.flat(),
  ];
}

/** The bytes of a file with one graph, opset 13. */
export function onnxFile({ inputs, outputs, constants = [], nodes }: OnnxGraph): Uint8Array {
  const graph = [
    ...nodes.flatMap((each) => bytes(1, node(each))),
    ...text(2, 'graph'),
    ...constants.flatMap((each) => bytes(5, constant(each))),
    ...inputs.flatMap((each) => bytes(11, port(each))),
    ...outputs.flatMap((each) => bytes(12, port(each))),
  ];
  return Uint8Array.from([
    ...integer(1, 8),
    ...bytes(7, graph),
    ...bytes(8, [...text(1, ''), ...integer(2, 13)]),
  ]);
}

/** A small network: tanh layers on x [N, d], a time and, with `classes`, an embedding of class y. */
export interface TinyNetwork {
  readonly graph: OnnxGraph;
  /** The same in float64, row by row. */
  predict(x: ArrayLike<number>, label: number, y?: number): number[];
}

export interface TinyOptions {
  readonly d?: number;
  readonly hidden?: number;
  /** Embeddings of y = 0..classes. */
  readonly classes?: number;
  readonly timeShape?: readonly (number | string)[];
  readonly timeType?: OnnxType;
  /** The time is multiplied by it first. */
  readonly timeScale?: number;
  readonly yType?: 'int64' | 'int32';
}

/** Weights from a fixed sequence, rounded to float32. */
export function tinyNetwork(options: TinyOptions = {}): TinyNetwork {
  const {
    d = 2,
    hidden = 8,
    classes,
    timeShape = ['N'],
    timeType = 'float32',
    timeScale = 1,
    yType = 'int64',
  } = options;
  let state = 7;
  const next = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.fround(state / 2 ** 30 - 1);
  };
  const draw = (count: number, scale: number): number[] =>
    Array.from({ length: count }, () => Math.fround(scale * next()));
  const embedded = classes === undefined ? 0 : 3;
  const width = d + 1 + embedded;
  const [w0, b0] = [draw(width * hidden, 1), draw(hidden, 0.3)];
  const [w1, b1] = [draw(hidden * d, 0.7), draw(d, 0.3)];
  const table = draw(((classes ?? -1) + 1) * 3, 1);
  const constants: OnnxConstant[] = [
    { name: 'w0', shape: [width, hidden], values: w0 },
    { name: 'b0', shape: [hidden], values: b0 },
    { name: 'w1', shape: [hidden, d], values: w1 },
    { name: 'b1', shape: [d], values: b1 },
    { name: 'column', shape: [2], values: [-1, 1], type: 'int64' },
    { name: 'factor', shape: [1], values: [timeScale] },
    { name: 'nothing', shape: [d, 1], values: Array.from({ length: d }, () => 0) },
    ...(classes === undefined ? [] : [{ name: 'table', shape: [classes + 1, 3], values: table }]),
  ];
  const graph: OnnxGraph = {
    inputs: [
      { name: 'x', shape: ['N', d] },
      { name: 't', type: timeType, shape: timeShape },
      ...(classes === undefined ? [] : [{ name: 'y', type: yType, shape: ['N'] }]),
    ],
    outputs: [{ name: 'out', shape: ['N', d] }],
    constants,
    nodes: [
      { op: 'Cast', inputs: ['t'], outputs: ['time'], integers: { to: 1 } },
      { op: 'Mul', inputs: ['time', 'factor'], outputs: ['scaled'] },
      { op: 'Reshape', inputs: ['scaled', 'column'], outputs: ['own'] },
      // One time for all rows becomes a column.
      { op: 'MatMul', inputs: ['x', 'nothing'], outputs: ['zero'] },
      { op: 'Add', inputs: ['zero', 'own'], outputs: ['told'] },
      ...(classes === undefined ? [] : [{ op: 'Gather', inputs: ['table', 'y'], outputs: ['embedded'] }]),
      {
        op: 'Concat',
        inputs: ['x', 'told', ...(classes === undefined ? [] : ['embedded'])],
        outputs: ['h'],
        integers: { axis: 1 },
      },
      { op: 'Gemm', inputs: ['h', 'w0', 'b0'], outputs: ['a'] },
      { op: 'Tanh', inputs: ['a'], outputs: ['g'] },
      { op: 'Gemm', inputs: ['g', 'w1', 'b1'], outputs: ['out'] },
    ],
  };
  const predict = (x: ArrayLike<number>, label: number, y = 0): number[] => {
    const h = [...Array.from(x), label * timeScale, ...table.slice(3 * y, 3 * y + embedded)];
    const g = b0.map((b, j) =>
      Math.tanh(b + h.reduce((sum, value, i) => sum + value * w0[i * hidden + j]!, 0)),
    );
    return b1.map((b, c) => b + g.reduce((sum, value, j) => sum + value * w1[j * d + c]!, 0));
  };
  return { graph, predict };
}
