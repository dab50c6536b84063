import { describe } from 'vitest';
import type { Gpu } from '../../engine/backend/gpu/types.ts';
import { openGpu } from '../../engine/backend/gpu.ts';
import { BackendError } from '../../engine/errors.ts';
import { SKIPPED } from './gpu-reporter.ts';
import { useSoftwareDriver } from './software-driver.ts';

const ENABLE = `To enable them on Debian or Ubuntu without a graphics card:
  apt-get install --no-install-recommends chromium-common libvulkan1
With one: ENSAMPLE_HARDWARE_GPU=1 uses it (and VK_DRIVER_FILES its driver, where the loader does not find that).`;

useSoftwareDriver();

/** Why there is no card to test on; undefined when there is one. */
async function whyNot(): Promise<string | undefined> {
  const hardware = process.env.ENSAMPLE_HARDWARE_GPU === '1';
  try {
    (await openGpu({ allowSoftware: !hardware })).dispose();
    return undefined;
  } catch (error) {
    return error instanceof BackendError ? error.tried.join('; ') : String(error);
  }
}

const reason = await whyNot();
if (reason !== undefined && process.env.ENSAMPLE_REQUIRE_GPU === '1') {
  throw new Error(`ENSAMPLE_REQUIRE_GPU=1, but ${reason}.\n${ENABLE}`);
}

/** Whether there is a card to test on. */
export const hasCard: boolean = reason === undefined;

/** Tests that need WebGPU; without it they are skipped, and the run ends with the reason and what would enable them. */
export function describeGpu(name: string, body: () => void): void {
  if (reason === undefined) describe(name, body);
  else describe.skip(`${name} ${SKIPPED.from}${reason}.\n${ENABLE}${SKIPPED.to}`, body);
}

/** A device of its own for one test, given back at its end. */
export async function withGpu<T>(work: (gpu: Gpu) => Promise<T>): Promise<T> {
  const gpu = await openGpu({ allowSoftware: true });
  try {
    return await work(gpu);
  } finally {
    gpu.dispose();
  }
}
