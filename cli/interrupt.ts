import { EXIT } from './errors.ts';

/** Ctrl-C, as a command sees it: the first one asks to stop, the second one ends the process at once. */
export interface Interrupt {
  readonly asked: boolean;
  /** What to do at the first Ctrl-C; before this is called, there is nothing to show yet and it ends the process. */
  onFirst(act: () => void): void;
}

/**
 * Listens to SIGINT from now on.
 * @param early says that the process ends, when it is asked to before `onFirst`.
 */
export function watchInterrupt(early: () => void): Interrupt {
  let asked = false;
  let act: (() => void) | undefined;
  process.on('SIGINT', () => {
    if (asked) process.exit(EXIT.interrupted);
    if (act === undefined) {
      early();
      process.exit(EXIT.interrupted);
    }
    asked = true;
    act();
  });
  return {
    get asked() {
      return asked;
    },
    onFirst: (first) => {
      act = first;
    },
  };
}
