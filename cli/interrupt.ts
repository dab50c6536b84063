import { EXIT } from './errors.ts';

/** Ctrl-C, as a command sees it: the first one asks to stop, the second one ends the process at once. */
export interface Interrupt {
  readonly asked: boolean;
  /** What to do at the first Ctrl-C; before this is called, it ends the process. */
  onFirst(act: () => void): void;
}

/** Listens to SIGINT from now on. */
export function watchInterrupt(): Interrupt {
  let asked = false;
  let act: (() => void) | undefined;
  process.on('SIGINT', () => {
    if (asked || act === undefined) process.exit(EXIT.interrupted);
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
