import type { DeviceLostError } from '../estimators/index.ts';
import { writeState } from './state-file.ts';

/**
 * The state before a graphics card went away goes to the file of --resume, when there is one; the message says how to
 * go on.
 *
 * @param hash of the model file, kept beside the state.
 */
export function lostCard(
  where: string,
  error: DeviceLostError,
  resume: string | undefined,
  hash: string,
): DeviceLostError {
  const { reason, seed, snapshot } = error;
  const found = `${where}: the graphics card went away (${reason})`;
  if (resume === undefined || seed === undefined || snapshot === undefined) {
    const again = seed === undefined ? '' : ` --seed ${seed}`;
    error.message = `${found}. To begin anew without it: --backend wasm${again}.`;
    return error;
  }
  writeState(resume, { seed, model: hash }, snapshot);
  error.message = `${found}. Saved ${resume}. To go on without it, run the same command again with --resume ${resume} --backend wasm.`;
  return error;
}
