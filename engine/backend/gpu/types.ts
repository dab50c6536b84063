/**
 * The graphics card as the engine sees it: arrays that live there, and shaders that run over them in the order in
 * which they were asked for. Only `read` and `done` wait. Numbers on the card are float32 or 32-bit unsigned integers.
 */
export interface Gpu {
  /** 'NVIDIA H100', 'SwiftShader Device (Subzero)': what answered. */
  readonly adapter: string;
  /** Whether the adapter is a program on the processor. */
  readonly software: boolean;
  readonly limits: GpuLimits;
  /** Bytes of arrays not yet given back. */
  readonly used: number;
  /** Why the card is gone; undefined while it is there. */
  readonly lost: string | undefined;
  arena(): GpuArena;
  /** Copy `data` to elements `at`, `at + 1`, ... of `to`, of the same type. */
  write(to: GpuArray<'f32'>, data: Float32Array, at?: number): void;
  write(to: GpuArray<'u32'>, data: Uint32Array, at?: number): void;
  /**
   * Elements at .. at + length - 1 (default: all), after everything asked for before.
   * @throws BackendError when the card is gone, out of memory, or a shader did not compile.
   */
  read(from: GpuArray<'f32'>, at?: number, length?: number): Promise<Float32Array<ArrayBuffer>>;
  read(from: GpuArray<'u32'>, at?: number, length?: number): Promise<Uint32Array<ArrayBuffer>>;
  /**
   * Run a shader `items` times; see `Shader`. Returns at once.
   * @throws BackendError when the card is gone or an array was given back.
   */
  run<B extends string, P extends string>(
    shader: Shader<B, P>,
    buffers: Readonly<Record<B, GpuArray>>,
    params: Readonly<Record<P, number>>,
    items: number,
  ): void;
  /** Resolves when everything asked for before is done; throws as `read`. */
  done(): Promise<void>;
  /** Give everything back. Idempotent. */
  dispose(): void;
}

export interface GpuLimits {
  /** Bytes of the largest array. */
  readonly arrayBytes: number;
  /** Arrays a shader may have. */
  readonly arrays: number;
}

export type GpuType = 'f32' | 'u32';

/** An array on the card. */
export interface GpuArray<T extends GpuType = GpuType> {
  readonly type: T;
  readonly length: number;
}

/** Arrays on the card, given back together. */
export interface GpuArena {
  /**
   * [length] zeros.
   * @throws BackendError when it is larger than the card's largest array.
   */
  f32(length: number): GpuArray<'f32'>;
  /** [length] zeros; throws as `f32`. */
  u32(length: number): GpuArray<'u32'>;
  /** Idempotent; what was asked for before still runs. */
  release(): void;
}

/** 'write' may also be read. 'words' takes an array of either type and shows it as u32: bits of numbers as they are. */
export type BufferUse = `${'read' | 'write'} ${GpuType | 'words'}`;

/**
 * A program for the card. Declarations are made from `buffers` and `params`; `code` is WGSL that uses them: each buffer
 * is an array of its name, parameters are `p.name`, the number of items is `p.items`.
 */
export interface Shader<B extends string = string, P extends string = string> {
  readonly name: string;
  /** At most seven, so that every device can bind them. */
  readonly buffers: Readonly<Record<B, BufferUse>>;
  readonly params: Readonly<Record<P, GpuType>>;
  /**
   * 'item': `code` defines fn item(i: u32), called once for each i < items.
   * 'group': `code` defines fn group(g: u32, lane: u32), called by lanes 0..LANES-1 (256) of each work group
   * g < items, all of them in step, so that barriers and workgroup memory may be used.
   */
  readonly per: 'item' | 'group';
  readonly code: string;
}
