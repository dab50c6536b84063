import { BackendError } from '../../errors.ts';

/** A device with what is known about it. */
export interface OpenedDevice {
  readonly device: GPUDevice;
  /** 'nvidia-h100-80gb-hbm3 (NVIDIA: 535.129)', 'SwiftShader driver 5.0.0'. */
  readonly adapter: string;
  readonly software: boolean;
}

/** What answers WebGPU on this machine. */
export interface FoundAdapter {
  readonly adapter: GPUAdapter;
  readonly name: string;
  /** Whether it is a program on the processor. */
  readonly software: boolean;
  /** Bytes of the largest array. */
  readonly arrayBytes: number;
}

/** Adapters that are programs on the processor; some of them do not say so. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|basic render|warp/i;

/** More than the seven arrays of a shader are never needed. */
const MOST_ARRAYS = 8;

/**
 * The best adapter of this machine: the browser's own WebGPU, in Node the optional package `webgpu` (Dawn).
 * @throws BackendError when there is none; `tried` says why.
 */
export async function findAdapter(): Promise<FoundAdapter> {
  const gpu = await platform();
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw missing('WebGPU is here, but no graphics card answered');
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
  const software = isFallbackAdapter === true || SOFTWARE.test(`${vendor} ${architecture} ${description}`);
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const arrayBytes = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  return { adapter, name: adapterName(adapter.info, software), software, arrayBytes };
}

/**
 * A device on the best adapter.
 * @param software whether a software adapter will do.
 * @throws BackendError when there is none; `tried` says why.
 */
export async function openDevice(software: boolean): Promise<OpenedDevice> {
  const found = await findAdapter();
  if (found.software && !software) {
    const fix = 'To run on it all the same, slower than on the processor: allowSoftware: true.';
    throw missing(`only a software adapter answered: ${found.name}`, fix);
  }
  const { limits } = found.adapter;
  const requiredLimits = {
    maxBufferSize: limits.maxBufferSize,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    maxStorageBuffersPerShaderStage: Math.min(MOST_ARRAYS, limits.maxStorageBuffersPerShaderStage),
  };
  try {
    const device = await found.adapter.requestDevice({ requiredLimits });
    return { device, adapter: found.name, software: found.software };
  } catch (cause) {
    throw missing(`${found.name} could not be opened: ${firstLine(cause)}`);
  }
}

/** Browsers tell vendor and architecture only; Dawn the card and its driver. */
function adapterName(
  { vendor, architecture, device, description }: GPUAdapterInfo,
  software: boolean,
): string {
  if (software && description !== '') return description;
  const card = device.replace(/-+$/, '') || [vendor, architecture].filter((part) => part !== '').join(' ');
  if (card === '') return description || 'unnamed adapter';
  return description === '' || description === card ? card : `${card} (${description})`;
}

let dawn: Promise<GPU> | undefined;

/** The browser's `navigator.gpu`, else Dawn. */
async function platform(): Promise<GPU> {
  const own = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (own !== undefined) return own;
  if (typeof process === 'undefined') throw missing('this browser has no WebGPU');
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
    const reason = firstLine(cause);
    if (reason.includes("'webgpu'") && reason.includes('Cannot find'))
      throw missing('webgpu is not installed', 'Install it: npm install webgpu.');
    throw missing(`webgpu could not be loaded: ${reason}`);
  }
}

function missing(reason: string, fix = "Use backend: 'auto'."): BackendError {
  return new BackendError({
    where: 'webgpu',
    found: `no GPU was found (${reason})`,
    expected: 'a graphics card that answers WebGPU',
    fix,
    tried: [reason],
  });
}

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]!;
}
