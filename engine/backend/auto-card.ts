import { spaced } from '../check.ts';
import { BackendError } from '../errors.ts';
import type { Backend, Card } from './backend.ts';
import type { Gpu } from './gpu/types.ts';
import { openGpu } from './gpu.ts';

/**
 * Evaluations of a `gpuKernel` from which 'auto' takes the card: below it, opening the card and compiling cost more than
 * it saves. `npm run bench -- gpu` prints where an open card overtakes the processor (an H100 beside eight threads: 3.1e5
 * evaluations of a light model); opening one takes some tenths of a second more.
 */
export const AUTO_CARD_EVALUATIONS: number = 2 ** 20;

/**
 * The `card` of 'auto': the hardware card, opened when the first run is long enough for one, and shared by all that
 * follow; opened anew after it was lost. An idle card does not keep a process alive. Never a software adapter.
 * @param open for tests: what opens the card.
 */
export function autoCard(open: () => Promise<Gpu> = openGpu): Backend['card'] {
  let opened: Promise<Card> | undefined;
  const answer = async (): Promise<Card> => {
    try {
      const from = spaced(AUTO_CARD_EVALUATIONS);
      return { gpu: await open(), reason: `it pays from ${from} evaluations on` };
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      return { gpu: undefined, reason: `no GPU was found (${error.tried.join('; ')})` };
    }
  };
  return async (evaluations) => {
    if (!(evaluations >= AUTO_CARD_EVALUATIONS)) {
      const [few, many] = [spaced(evaluations), spaced(AUTO_CARD_EVALUATIONS)];
      return { gpu: undefined, reason: `a GPU pays from ${many} evaluations on, and these are ${few}` };
    }
    opened ??= answer();
    const asked = opened;
    if ((await asked).gpu?.lost !== undefined && opened === asked) opened = answer();
    return opened;
  };
}
