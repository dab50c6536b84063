import { checkCount, show } from '../check.ts';
import { BackendError, ModelError, OptionError } from '../errors.ts';

/*
 * Networks in ONNX files, run by an optional package: onnxruntime-node in Node, onnxruntime-web in browsers.
 */

/** What a tensor is made of. */
export type OnnxArray = Float32Array | Float64Array | Int32Array | BigInt64Array;

/** An input or output of a network as its file declares it. */
export interface OnnxValue {
  readonly name: string;
  /** 'float32', 'int64', .. */
  readonly type: string;
  /** A name, or an empty text, where the file leaves a dimension open. */
  readonly shape: readonly (number | string)[];
}

/** What is used of an `InferenceSession`. */
export interface OnnxSession {
  readonly inputNames: readonly string[];
  run(feeds: never, options?: never): Promise<unknown>;
  release(): Promise<void>;
}

/** What is used of a runtime, such as `import * as onnx from 'onnxruntime-web'`. */
export interface OnnxRuntime {
  readonly InferenceSession: { create(model: never, options?: never): Promise<unknown> };
  readonly Tensor: abstract new (type: never, data: never, dims: never) => object;
}

export interface OnnxOptions {
  /** A path (in browsers an address), the bytes of the file, or a session, which stays yours. */
  readonly model: string | URL | Uint8Array | OnnxSession;
  /** The runtime, for bundlers and its other builds. Default: onnxruntime-node, where it is not installed onnxruntime-web. */
  readonly runtime?: OnnxRuntime;
  /** Where to run, by falling preference: 'cpu', 'cuda', 'webgpu', 'wasm', or objects of the runtime. Default: its own. */
  readonly providers?: readonly (string | { readonly name: string })[];
  /** Processor threads of one run. Default: the runtime's. */
  readonly threads?: number;
  /** Keep the session when no run uses it, until the process ends: saves the loading, costs the memory. Default false. */
  readonly keep?: boolean;
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
}

/** A session as the runtime has it. */
interface Session {
  readonly inputNames: readonly string[];
  readonly inputMetadata?: readonly Metadata[];
  readonly outputMetadata?: readonly Metadata[];
  run(
    feeds: Readonly<Record<string, object>>,
  ): Promise<Readonly<Record<string, { readonly data: OnnxArray }>>>;
  release(): Promise<void>;
}

interface Metadata {
  readonly name: string;
  readonly isTensor: boolean;
  readonly type?: string;
  readonly shape?: readonly (number | string | undefined)[];
}

interface Runtime {
  readonly InferenceSession: {
    create(model: string | Uint8Array, options: object): Promise<Session>;
  };
  readonly Tensor: new (type: string, data: OnnxArray, dims: readonly number[]) => object;
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
  const runtime = await runtimeOf(where, options.runtime);
  const name = nameOf(model);
  const own = isSession(model);
  if (own) checkOwn(where, options);
  else checkModel(where, model);
  // A session of the runtime is what the type above says.
  const create = async (): Promise<Session> =>
    own ? (model as unknown as Session) : load(where, runtime, model, options);
  let session: Promise<Session> | undefined = create();
  const { inputMetadata, outputMetadata } = await session;
  const inputs = valuesOf(where, name, 'input', inputMetadata);
  const outputs = valuesOf(where, name, 'output', outputMetadata);
  let holders = 0;
  const release = (): void => {
    const last = session;
    session = undefined;
    // What fails here has nobody left to hear of it.
    if (!own) last?.then((each) => each.release()).catch(() => {});
  };
  return {
    name,
    inputs,
    outputs,
    async run(feeds, rows, shape) {
      session ??= create();
      const tensors = inputs.map((value): [string, object] => {
        const array = feeds[value.name]!;
        return [value.name, new runtime.Tensor(value.type, array, dimsOf(value, rows, array.length, shape))];
      });
      const found = await (await session).run(Object.fromEntries(tensors));
      return Object.fromEntries(Object.entries(found).map(([key, { data }]) => [key, data]));
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
      return session !== undefined;
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

async function load(
  where: string,
  runtime: Runtime,
  model: string | URL | Uint8Array,
  { providers, threads }: OnnxOptions,
): Promise<Session> {
  if (threads !== undefined) checkCount(where, 'threads', threads, { min: 1, max: 1024 });
  const settings = {
    ...(providers === undefined ? {} : { executionProviders: providers }),
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
  };
  try {
    return await runtime.InferenceSession.create(placeOf(model), settings);
  } catch (cause) {
    throw notLoaded(where, nameOf(model), cause, providers);
  }
}

/** A file: address is a path in Node. */
function placeOf(model: string | URL | Uint8Array): string | Uint8Array {
  if (!(model instanceof URL)) return model;
  if (model.protocol !== 'file:') return model.href;
  // '/C:/network.onnx' where there are drives.
  return decodeURIComponent(model.pathname).replace(/^\/([A-Za-z]:\/)/, '$1');
}

function notLoaded(
  where: string,
  name: string,
  cause: unknown,
  providers: OnnxOptions['providers'],
): ModelError | BackendError {
  const reason = firstLine(cause);
  if (/provider|backend not found|no available backend/i.test(reason)) {
    const asked = (providers ?? []).map((each) => (typeof each === 'string' ? each : each.name)).join(', ');
    const found = `no session could be made on ${asked || 'the default provider'} (${reason})`;
    const fix = 'Leave `providers` out, or see which ones the runtime has here.';
    return new BackendError({
      where,
      found,
      expected: 'a provider of the runtime',
      fix,
      cause,
      tried: [reason],
    });
  }
  const missing = /exist|no such file|404|fetch/i.test(reason);
  const notOnnx = /protobuf|data pointer is null|no graph/i.test(reason);
  return new ModelError({
    where,
    found: missing
      ? `${name} is not there`
      : notOnnx
        ? `${name} is not an ONNX file`
        : `${name} could not be loaded: ${reason}`,
    expected: 'a network as torch.onnx.export writes it',
    ...(missing ? { fix: 'Give its path, or its bytes.' } : {}),
    cause,
  });
}

/** The package that is installed. */
async function runtimeOf(where: string, given: OnnxRuntime | undefined): Promise<Runtime> {
  // The types of the packages are not there where they are not installed.
  if (given !== undefined) return checkRuntime(where, given) as unknown as Runtime;
  const node = typeof process !== 'undefined' && process.versions?.node !== undefined;
  const tried: string[] = [];
  for (const name of node ? ['onnxruntime-node', 'onnxruntime-web'] : ['onnxruntime-web']) {
    try {
      // A name in a variable, so that bundlers for browsers leave this import alone.
      const found = (await import(name)) as { readonly default?: Runtime } & Runtime;
      return found.InferenceSession === undefined ? found.default! : found;
    } catch (cause) {
      tried.push(`${name}: ${firstLine(cause)}`);
    }
  }
  const name = node ? 'onnxruntime-node' : 'onnxruntime-web';
  throw new BackendError({
    where,
    found: `there is nothing to run networks with (${tried.join('; ')})`,
    expected: `the package ${name}`,
    fix: node
      ? `Install it: npm install ${name}.`
      : `Install it, and hand it over: import * as runtime from '${name}'.`,
    tried,
  });
}

function checkRuntime(where: string, runtime: OnnxRuntime): OnnxRuntime {
  if (typeof runtime?.InferenceSession?.create === 'function' && typeof runtime.Tensor === 'function')
    return runtime;
  throw new OptionError({
    where,
    option: 'runtime',
    value: runtime,
    found: `option \`runtime\` is ${show(runtime)}`,
    expected: 'a runtime with InferenceSession and Tensor',
    fix: "Try import * as runtime from 'onnxruntime-web'.",
  });
}

function isSession(model: OnnxOptions['model']): model is OnnxSession {
  return typeof (model as OnnxSession | null | undefined)?.run === 'function';
}

/** A session has been made, and what would have gone into it comes too late. */
function checkOwn(where: string, options: OnnxOptions): void {
  const late = (['providers', 'threads', 'keep'] as const).find((option) => options[option] !== undefined);
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

function nameOf(model: OnnxOptions['model']): string {
  if (typeof model !== 'string' && !(model instanceof URL)) return 'network';
  return String(model).split(/[\\/]/).pop()!;
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

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]!;
}
