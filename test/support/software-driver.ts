import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where Debian's chromium-common puts its software Vulkan driver. */
const DRIVERS = [
  '/usr/lib/chromium/libvk_swiftshader.so',
  '/usr/lib/chromium-browser/libvk_swiftshader.so',
] as const;

/**
 * Point the Vulkan loader of this process and of those that it starts at SwiftShader, unless the environment chooses a
 * driver or the hardware. Before anything looks for a card: a process asks the loader once.
 */
export function useSoftwareDriver(): void {
  if (process.env.VK_DRIVER_FILES !== undefined || process.env.ENSAMPLE_HARDWARE_GPU === '1') return;
  const driver = DRIVERS.find((path) => existsSync(path));
  if (driver === undefined) return;
  const folder = join(tmpdir(), 'ensample-vulkan');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'swiftshader.json');
  const manifest = { file_format_version: '1.0.0', ICD: { library_path: driver, api_version: '1.1.0' } };
  // Whole or not at all: other test processes read it at the same time.
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(manifest));
  renameSync(`${file}.${process.pid}`, file);
  process.env.VK_DRIVER_FILES = file;
}
