import type { Link } from './link.ts';

/*
 * Commands to a server that is away wait, for as long as it takes, so whoever waits for them cannot tell. A small question
 * now and then can.
 */

/** Questions without an answer after which a server counts as away. By count: of a process that was busy no time is known. */
const PATIENCE = 3;

/** Asks whether a server is there, until it is closed. */
export interface Pulse {
  close(): void;
}

/**
 * @param every milliseconds between questions.
 * @param beat told as often while the server is away, with the milliseconds since when, and once with 0 when it is back.
 */
export function openPulse(
  { client }: Pick<Link, 'client'>,
  every: number,
  beat: (silent: number) => void,
): Pulse {
  let asked = 0;
  let missed = 0;
  let waits = false;
  const answered = (): void => {
    const away = missed >= PATIENCE;
    [waits, missed] = [false, 0];
    if (away) beat(0);
  };
  const timer = setInterval(() => {
    if (waits) {
      if (++missed >= PATIENCE) beat(performance.now() - asked);
      return;
    }
    [waits, asked] = [true, performance.now()];
    // An answer that is an error is one.
    client.ping().then(answered, answered);
  }, every);
  return {
    close() {
      clearInterval(timer);
      missed = 0;
    },
  };
}
