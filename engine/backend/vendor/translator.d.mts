import type { HelperFunction, KernelSettings } from './gpu-js.mjs';

/** gpu.js's translator of JavaScript into WGSL. The fields are set by `translateSource`. */
export declare class WebGPUKernel {
  constructor(source: string, settings: KernelSettings & { readonly functions: readonly HelperFunction[] });
  readonly translatedFunctions: string;
  readonly translatedBody: string;
  setupConstants(): void;
  setupArguments(values: readonly unknown[]): void;
  validateSettings(values: readonly unknown[]): void;
  translateSource(): void;
}
