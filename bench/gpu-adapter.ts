import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Gpu, openGpu } from 'ensample/engine';
import type { Flags, Size } from './benchmark.ts';

/** Where Debian's chromium-common puts SwiftShader, a Vulkan driver that is a program on the processor. */
const DRIVERS = [
  '/usr/lib/chromium/libvk_swiftshader.so',
  '/usr/lib/chromium-browser/libvk_swiftshader.so',
] as const;

/** A card, or why there is none. */
export type FoundCard =
  | { readonly kind: 'card'; readonly gpu: Gpu }
  | { readonly kind: 'none'; readonly reason: string };

/**
 * The card to measure: of hardware, unless `--software` was given. Toy sizes, which measure nothing, take either.
 * `ENSAMPLE_HARDWARE_GPU=1` and `VK_DRIVER_FILES` choose the driver, as in the tests.
 */
export async function findCard(size: Size, flags: Flags): Promise<FoundCard> {
  const software = flags.software || size === 'toy';
  if (software) useSoftwareDriver();
  try {
    return { kind: 'card', gpu: await openGpu({ allowSoftware: software }) };
  } catch (error) {
    return { kind: 'none', reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Point the Vulkan loader at SwiftShader, unless the environment chooses a driver. */
function useSoftwareDriver(): void {
  if (process.env.VK_DRIVER_FILES !== undefined || process.env.ENSAMPLE_HARDWARE_GPU === '1') return;
  const driver = DRIVERS.find((path) => existsSync(path));
  if (driver === undefined) return;
  const folder = join(tmpdir(), 'ensample-vulkan');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'swiftshader.json');
  const manifest = { file_format_version: '1.0.0', ICD: { library_path: driver, api_version: '1.1.0' } };
  writeFileSync(file, JSON.stringify(manifest));
  process.env.VK_DRIVER_FILES = file;
}
