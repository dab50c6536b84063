import { BackendError, DeviceLostError } from '../../errors.ts';
import type { GpuArray } from './types.ts';

/** What goes wrong on a device, which tells of it later and elsewhere than where it was asked. */
export interface Faults {
  /** Why the card is gone; undefined while it is there. */
  readonly lost: string | undefined;
  /** @throws DeviceLostError when the card went away; BackendError when it was given back. */
  check(): void;
  /**
   * Ask something of the device; should it refuse, or should something of `uses` have been spoilt before, `spoils`
   * (arrays, a shader) are not what they should be, and `settle` tells.
   */
  watch<T>(spoils: readonly object[], tell: Tell, work: () => T, uses?: readonly object[]): T;
  /**
   * Waits for the answer to all that was asked so far.
   * @throws as `check`; the error that befell `array`, or any of those waited for when none is given.
   */
  settle(array?: GpuArray): Promise<void>;
  /** As `check`, once the device has had the time to say that it is lost. */
  checkSoon(): Promise<void>;
  /** From now on the card counts as given back. */
  end(): void;
}

/** Puts the device's complaint into words. `memory` says that there was not enough of it. */
export type Tell = (complaint: string, memory: boolean) => BackendError;

const SCOPES = ['out-of-memory', 'internal', 'validation'] as const;
/** Milliseconds between a promise that a loss rejects and the news of that loss, at the most. */
const NEWS = 100;

export function gpuFaults(device: GPUDevice): Faults {
  const spoilt = ledger();
  const waiting = new Set<Promise<BackendError | undefined>>();
  let stray: BackendError | undefined;
  let lost: string | undefined;
  let ended = false;
  const news = device.lost.then(({ message, reason }) => {
    lost ??= oneLine(message) || reason || 'unknown reason';
  });
  device.addEventListener('uncapturederror', (event) => {
    event.preventDefault();
    stray ??= refused(event.error.message, 'something');
  });
  const check = (): void => {
    if (ended) throw givenBack();
    if (lost !== undefined) throw new DeviceLostError({ where: 'webgpu', reason: lost });
  };
  return {
    get lost() {
      return lost;
    },
    check,
    watch(spoils, tell, work, uses = []) {
      for (const scope of SCOPES) device.pushErrorScope(scope);
      try {
        return work();
      } finally {
        const answer = Promise.all(SCOPES.map(() => device.popErrorScope())).then(
          (errors) => spoilt.note(spoils, uses, wordsFor(errors, tell)),
          () => undefined, // A lost device: `check` tells.
        );
        waiting.add(answer);
        answer.then(() => waiting.delete(answer));
      }
    },
    async settle(array) {
      const told = (await Promise.all(waiting)).find((error) => error !== undefined);
      check();
      const error = (array === undefined ? told : spoilt.why(array)) ?? stray;
      stray = undefined;
      if (error !== undefined) throw error;
    },
    async checkSoon() {
      await Promise.race([news, new Promise((resolve) => setTimeout(resolve, NEWS))]);
      check();
    },
    end() {
      ended = true;
      lost ??= 'it was disposed';
    },
  };
}

interface Ledger {
  /** Spoils things because of `told`, or because of the first of `uses` that was spoilt before; returns the cause. */
  note(
    spoils: readonly object[],
    uses: readonly object[],
    told: BackendError | undefined,
  ): BackendError | undefined;
  /** Why a thing is not what it should be. */
  why(thing: object): BackendError | undefined;
}

/** What was spoilt and why. It counts on the device to answer in the order in which it was asked. */
function ledger(): Ledger {
  const causes = new WeakMap<object, BackendError>();
  return {
    note(spoils, uses, told) {
      const cause = uses.map((thing) => causes.get(thing)).find((known) => known !== undefined) ?? told;
      if (cause !== undefined) for (const thing of spoils) if (!causes.has(thing)) causes.set(thing, cause);
      return cause;
    },
    why: (thing) => causes.get(thing),
  };
}

/** Scopes are popped innermost first, so the last answer is about memory. */
function wordsFor(errors: readonly (GPUError | null)[], tell: Tell): BackendError | undefined {
  const error = errors.findLast((found) => found !== null);
  return error ? tell(error.message, errors.at(-1) === error) : undefined;
}

/** The device would not do something. */
export function refused(complaint: string, what: string): BackendError {
  return new BackendError({
    where: 'webgpu',
    found: `the device refused ${what} (${oneLine(complaint)})`,
    expected: 'what it can do',
    tried: [],
  });
}

function givenBack(): BackendError {
  return new BackendError({
    where: 'webgpu',
    found: 'the card was given back (dispose)',
    expected: 'one that is still open',
    fix: 'Dispose of the backend when the last run on it is over.',
    tried: [],
  });
}

function oneLine(complaint: string): string {
  const text = complaint
    .trim()
    .split(/\s*\n\s*/)
    .slice(0, 3)
    .join(' ');
  return text.length > 300 ? `${text.slice(0, 297)}...` : text;
}
