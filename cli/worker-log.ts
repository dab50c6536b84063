import type { FileEvent, WorkerEvent } from '../estimators/cluster.ts';
import { count } from './format/number.ts';
import { printable, wrap } from './format/text.ts';
import { counted } from './format/words.ts';
import type { Terminal } from './terminal.ts';

/** How a worker tells of itself. */
export const LOGS = ['text', 'json'] as const;

/** What a worker says while it works. */
export interface WorkerLog {
  /** What happened to a shard. */
  event(event: WorkerEvent | FileEvent): void;
  /** Anything else, as a sentence. */
  say(kind: 'start' | 'warning' | 'stop', message: string): void;
  /** The sum at the end. */
  end(): void;
}

/**
 * Words on stderr for what is worth them or, with 'json', one line of JSON on stdout for each event: time (ISO 8601, UTC),
 * kind, and of shards runId, index, milliseconds and message.
 */
export function workerLog(
  { log, quiet }: { readonly log: (typeof LOGS)[number]; readonly quiet: boolean },
  { out, err }: Terminal,
): WorkerLog {
  let [done, busy] = [0, 0];
  const line = (kind: string, rest: object): void => {
    out.write(`${JSON.stringify({ time: new Date().toISOString(), kind, ...rest })}\n`);
  };
  const say: WorkerLog['say'] = (kind, message) => {
    if (log === 'json') line(kind, { message });
    else if (kind === 'warning') err.write(`${wrap(`Warning: ${message}`, err.look.width)}\n`);
    else if (!quiet) err.write(`${message}\n`);
  };
  return {
    say,
    event(event) {
      const { kind, run: runId, ...rest } = event;
      if (kind === 'done') {
        done++;
        busy += event.milliseconds ?? 0;
      }
      if (log === 'json') line(kind, { runId, ...rest });
      else if (kind === 'full' || kind === 'away') say('warning', event.message ?? '');
      else if (kind === 'back') say('start', event.message ?? '');
      else if (!quiet && event.message !== undefined && kind !== 'open')
        err.write(`${printable(`shard ${event.index} of run ${runId}: ${kind}: ${event.message}`)}\n`);
    },
    end() {
      say('stop', `${counted(done, count(done), 'shard')} done in ${(busy / 1000).toFixed(1)} s of threads.`);
    },
  };
}
