/** Gives the event loop a real turn (a macrotask) at most every 16 ms, so timers, pages and Ctrl-C stay alive. */
export interface Turn {
  /**
   * Returns at once unless 16 ms have passed since the last turn; then waits for one.
   * @throws the signal's reason when it is aborted.
   */
  pause(signal?: AbortSignal): Promise<void>;
  /** True when `pause` would wait; lets a hot loop skip the promise. */
  due(): boolean;
}

const INTERVAL = 16;

export function makeTurn(): Turn {
  let last = performance.now();
  const due = (): boolean => performance.now() - last >= INTERVAL;
  return {
    due,
    async pause(signal) {
      signal?.throwIfAborted();
      if (!due()) return;
      await macrotask();
      last = performance.now();
      signal?.throwIfAborted();
    },
  };
}

function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
