import type { Backend } from '../../engine/backend/backend.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { twins } from '../../engine/wasm/kernels.ts';

/** The plain-JS backend with every range cut into `parts` pieces that run last piece first, as workers might. */
export function splitBackend(parts: number): Backend {
  return {
    ...jsBackend(),
    async dispatch(kernel, args, count) {
      // The compiler cannot see that `args` belongs to this very kernel once the name is a variable.
      const run = twins[kernel] as (...all: unknown[]) => void;
      for (let p = parts; p > 0; p--)
        run(...args, Math.floor(((p - 1) * count) / parts), Math.floor((p * count) / parts));
    },
  };
}
