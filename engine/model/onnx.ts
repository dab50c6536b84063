import { show } from '../check.ts';
import { BackendError, OptionError } from '../errors.ts';
import { type Loaded, load, nameOf, runtimeOf } from './onnx-load.ts';
import type { Metadata, OnnxArray, OnnxOptions, OnnxSession, Session } from './onnx-types.ts';

export type { OnnxArray, OnnxOptions, OnnxProvider, OnnxRuntime, OnnxSession } from './onnx-types.ts';

/*
 * Networks in ONNX files, run by an optional package: onnxruntime-node in Node, onnxruntime-web in browsers.
 */

/** An input or output of a network as its file declares it. */
export interface OnnxValue {
  readonly name: string;
  /** 'float32', 'int64', .. */
  readonly type: string;
  /** A name, or an empty text, where the file leaves a dimension open. */
  readonly shape: readonly (number | string)[];
}

/** A network that was loaded. */
export interface OnnxNetwork {
  /** 'digits.onnx', or 'network' */
  readonly name: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /**
   * All outputs of `rows` rows. Inputs of n rows have arrays of n times their width; one whose first dimension is fixed to
   * 1, or that has none, is for all rows.
   * @param shape of a row of those inputs with more than one open dimension.
   */
  run(
    feeds: Readonly<Record<string, OnnxArray>>,
    rows: number,
    shape?: readonly number[],
  ): Promise<Readonly<Record<string, OnnxArray>>>;
  /**
   * Keep the session open until the returned function is called. It is loaded again when it is needed after the last
   * holder has gone.
   */
  hold(): () => void;
  /** Whether there is a session now. */
  readonly open: boolean;
  /** Runs at once. */
  readonly sessions: number;
  /** For provenance: 'cpu by onnxruntime-node 1.30.0, in 2 threads'. */
  readonly place: string;
}

/** Arrays of tensors that can be given and read. */
export const ONNX_ARRAYS: {
  readonly float32: typeof Float32Array;
  readonly float64: typeof Float64Array;
  readonly int32: typeof Int32Array;
  readonly int64: typeof BigInt64Array;
} = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
};

/**
 * Load a network, and read what goes in and out.
 * @throws BackendError when no runtime is installed; ModelError when the file is no ONNX file, or cannot be loaded;
 * OptionError for bad options.
 */
export async function onnxNetwork(options: OnnxOptions, where = 'onnxNetwork'): Promise<OnnxNetwork> {
  const { model, keep = false } = options;
  const name = nameOf(model);
  const own = isSession(model);
  if (own) checkOwn(where, options);
  else checkModel(where, model);
  const runtime = await runtimeOf(where, options);
  // A session of the runtime is what the type above says.
  const create = async (): Promise<Loaded> =>
    own
      ? { session: model as unknown as Session, tensor: runtime.tensor, place: 'a session of the caller' }
      : load(where, runtime, options);
  let loaded: Promise<Loaded> | undefined = create();
  const { session, place } = await loaded;
  const inputs = valuesOf(where, name, 'input', session.inputMetadata);
  const outputs = valuesOf(where, name, 'output', session.outputMetadata);
  let holders = 0;
  const release = (): void => {
    const last = loaded;
    loaded = undefined;
    // What fails here has nobody left to hear of it.
    if (!own) last?.then((each) => each.session.release()).catch(() => {});
  };
  return {
    name,
    inputs,
    outputs,
    place,
    sessions: options.sessions ?? 1,
    async run(feeds, rows, shape) {
      loaded ??= create();
      const { session, tensor } = await loaded;
      const tensors: Record<string, object> = {};
      for (const value of inputs) {
        const array = feeds[value.name]!;
        tensors[value.name] = tensor(value.type, array, dimsOf(value, rows, array.length, shape));
      }
      const found = await session.run(tensors);
      const arrays: Record<string, OnnxArray> = {};
      for (const key of Object.keys(found)) arrays[key] = found[key]!.data;
      return arrays;
    },
    hold() {
      holders++;
      let held = true;
      return () => {
        if (held && --holders === 0 && !keep) release();
        held = false;
      };
    },
    get open() {
      return loaded !== undefined;
    },
  };
}

/** Numbers of one row; NaN where the file leaves a dimension open beside the first. */
export function widthOf({ shape }: OnnxValue): number {
  return shape.slice(1).reduce<number>((product, n) => product * (typeof n === 'number' ? n : Number.NaN), 1);
}

/** 'x float32 [N, 2]' */
export function showValue({ name, type, shape }: OnnxValue): string {
  return `${name} ${type} [${shape.map((n) => (n === '' ? '?' : n)).join(', ')}]`;
}

/** The dimensions of an array of `length` numbers. */
function dimsOf(
  { shape }: OnnxValue,
  rows: number,
  length: number,
  row: readonly number[] | undefined,
): number[] {
  const dims = shape.map((n, i) => (typeof n === 'number' ? n : i === 0 ? rows : 0));
  const free = dims.indexOf(0);
  if (free < 0) return dims;
  if (dims.lastIndexOf(0) > free && row !== undefined) return [dims[0]!, ...row];
  dims[free] = length / dims.reduce((product, n) => product * (n || 1), 1);
  return dims;
}

function isSession(model: OnnxOptions['model']): model is OnnxSession {
  return typeof (model as OnnxSession | null | undefined)?.run === 'function';
}

/** A session has been made, and what would have gone into it comes too late. */
function checkOwn(where: string, options: OnnxOptions): void {
  const late = (['providers', 'threads', 'sessions', 'keep'] as const).find(
    (option) => options[option] !== undefined,
  );
  if (late === undefined) return;
  throw new OptionError({
    where,
    option: late,
    value: options[late],
    found: `option \`${late}\` is given with a session`,
    expected: 'a path or bytes with it',
    fix: `Leave \`${late}\` out, or make the session with it.`,
  });
}

function checkModel(where: string, model: OnnxOptions['model']): asserts model is string | URL | Uint8Array {
  if (typeof model === 'string' || model instanceof URL || model instanceof Uint8Array) return;
  throw new OptionError({
    where,
    option: 'model',
    value: model,
    found: `option \`model\` is ${show(model)}`,
    expected: 'a path, the bytes of an ONNX file, or a session',
  });
}

function valuesOf(
  where: string,
  name: string,
  what: string,
  metadata: readonly Metadata[] | undefined,
): OnnxValue[] {
  if (metadata === undefined || metadata.length === 0) {
    throw new BackendError({
      where,
      found: `the session of ${name} does not tell its ${what}s`,
      expected: 'inputMetadata and outputMetadata',
      fix: 'They are there from onnxruntime 1.21 on.',
      tried: [],
    });
  }
  return metadata.map(({ name: own, isTensor, type = 'sequence', shape = [] }) => ({
    name: own,
    type: isTensor ? type : 'sequence',
    shape: shape.map((n) => n ?? ''),
  }));
}
