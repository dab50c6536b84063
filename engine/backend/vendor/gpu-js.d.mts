/** Type of a value in gpu.js. */
export type ValueType = 'Number' | 'Integer' | 'Boolean' | 'Array' | 'Array(2)' | 'Array(3)' | 'Array(4)';

/** A function that a kernel calls, as text, with its types. */
export interface HelperFunction {
  readonly source: string;
  readonly settings: {
    readonly name: string;
    readonly argumentTypes: Readonly<Record<string, ValueType>>;
    readonly returnType: ValueType;
  };
}

export interface KernelSettings {
  readonly output: readonly [number];
  readonly constants: Readonly<Record<string, number | ArrayLike<number>>>;
  readonly constantTypes: Readonly<Record<string, ValueType>>;
  readonly argumentTypes: readonly ValueType[];
  readonly loopMaxIterations: number;
  readonly functions: readonly HelperFunction[];
  readonly dynamicOutput?: boolean;
  readonly dynamicArguments?: boolean;
  readonly returnType?: ValueType;
}

/** A kernel of gpu.js; awaited, because the next major version returns promises. */
export interface GpuJsKernel {
  (...values: readonly unknown[]): ArrayLike<number | ArrayLike<number>>;
  setOutput(output: readonly [number]): GpuJsKernel;
  readonly kernel: {
    readonly constructor: { readonly mode: string };
    readonly fallbackReason?: string | null;
  };
}

export declare class GPU {
  constructor(settings: { readonly mode: 'cpu' | 'webasm' | 'webgpu' });
  createKernel(
    source: string,
    settings: Partial<KernelSettings> & Pick<KernelSettings, 'output'>,
  ): GpuJsKernel;
  destroy(): Promise<void>;
}
