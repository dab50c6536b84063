/*
 * What is given for a network of a file, and what is used of a runtime.
 */

/** What a tensor is made of. */
export type OnnxArray = Float32Array | Float64Array | Int32Array | BigInt64Array;

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

export type OnnxProvider = string | { readonly name: string };

export interface OnnxOptions {
  /** A path (in browsers an address), the bytes of the file, or a session, which stays yours. */
  readonly model: string | URL | Uint8Array | OnnxSession;
  /** The runtime, for bundlers and its other builds. Default: onnxruntime-node, where it is not installed onnxruntime-web. */
  readonly runtime?: OnnxRuntime;
  /**
   * Where to run: the first of these that is there, 'cpu', 'cuda', 'webgpu', 'wasm', or objects of the runtime. Where none is,
   * there is an error; 'cpu' is used where it is named. Default: the runtime's own.
   */
  readonly providers?: readonly OnnxProvider[];
  /** Processor threads of one run. Default: the runtime's, with `sessions` 1. */
  readonly threads?: number;
  /**
   * As many sessions in threads of their own (in Node alone): as many runs at once, and the calling thread stays free, which
   * onnxruntime-node blocks else while it computes. Default: one session in the calling thread.
   */
  readonly sessions?: number;
  /** Keep the session when no run uses it, until the process ends: saves the loading, costs the memory. Default false. */
  readonly keep?: boolean;
}

/** A session as the runtime has it. */
export interface Session {
  readonly inputNames: readonly string[];
  readonly inputMetadata?: readonly Metadata[];
  readonly outputMetadata?: readonly Metadata[];
  run(
    feeds: Readonly<Record<string, object>>,
  ): Promise<Readonly<Record<string, { readonly data: OnnxArray }>>>;
  release(): Promise<void>;
}

export interface Metadata {
  readonly name: string;
  readonly isTensor: boolean;
  readonly type?: string;
  readonly shape?: readonly (number | string | undefined)[];
}

export interface Runtime {
  readonly InferenceSession: {
    create(model: string | Uint8Array, options: object): Promise<Session>;
  };
  readonly env?: { readonly versions?: Readonly<Record<string, string | undefined>> };
  readonly listSupportedBackends?: () => readonly { readonly name: string; readonly bundled: boolean }[];
  readonly Tensor: new (type: string, data: OnnxArray, dims: readonly number[]) => object;
}
