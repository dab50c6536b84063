import { BackendError } from '../errors.ts';

/** A device with what is known about it. */
export interface OpenedDevice {
  readonly device: GPUDevice;
  /** 'NVIDIA H100', 'SwiftShader Device (Subzero)'. */
  readonly adapter: string;
  readonly software: boolean;
}

/** Adapters that are programs on the processor; some of them do not say so. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|basic render|warp/i;

/** More than the seven arrays of a shader are never needed. */
const MOST_ARRAYS = 8;

/**
 * The best adapter of this machine and a device on it: the browser's own WebGPU, in Node the optional package
 * `webgpu` (Dawn).
 * @param software whether a software adapter will do.
 * @throws BackendError, with what was tried.
 */
export async function openDevice(software: boolean): Promise<OpenedDevice> {
  const gpu = await platform();
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw missing('WebGPU is here, but no adapter answered', 'requestAdapter: null');
  const { vendor, architecture, device: model, description, isFallbackAdapter } = adapter.info;
  const name = description || [vendor, architecture, model].filter((part) => part !== '').join(' ');
  const isSoftware = isFallbackAdapter === true || SOFTWARE.test(`${vendor} ${architecture} ${description}`);
  if (isSoftware && !software)
    throw missing(`only a software adapter answered (${name})`, `adapter: ${name}`);
  const { limits } = adapter;
  const device = await adapter.requestDevice({
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage: Math.min(MOST_ARRAYS, limits.maxStorageBuffersPerShaderStage),
    },
  });
  return { device, adapter: name === '' ? 'unnamed adapter' : name, software: isSoftware };
}

let dawn: Promise<GPU> | undefined;

/** The browser's `navigator.gpu`, else Dawn. */
async function platform(): Promise<GPU> {
  const own = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (own !== undefined) return own;
  if (typeof process === 'undefined') throw missing('this browser has no WebGPU', 'navigator.gpu');
  dawn ??= openDawn();
  return dawn;
}

async function openDawn(): Promise<GPU> {
  // A name in a variable, so that bundlers for browsers leave this import alone.
  const name = 'webgpu';
  try {
    // The package has no types for this version of the compiler's DOM library.
    const { create } = (await import(name)) as { create(options: readonly string[]): GPU };
    return create([]);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const absent = reason.includes("'webgpu'") && reason.includes('Cannot find');
    throw missing(
      absent ? 'webgpu is not installed' : `webgpu could not be loaded (${reason.split('\n')[0]})`,
      `import webgpu: ${reason.split('\n')[0]}`,
      absent ? 'Install it beside ensample: npm install webgpu.' : undefined,
    );
  }
}

function missing(reason: string, tried: string, fix = "Use backend: 'auto' or 'wasm'."): BackendError {
  return new BackendError({
    where: 'webgpu',
    found: reason,
    expected: 'a graphics card that answers WebGPU',
    fix,
    tried: [tried],
  });
}
