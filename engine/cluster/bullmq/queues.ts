import type { Link } from './link.ts';
import { queueName } from './names.ts';
import type { Announcement } from './worker.ts';

/** Shards in a queue. */
export interface QueueRow {
  /** 'ens-0123456789abcdef', as it is called in Redis behind 'bull:'. */
  readonly queue: string;
  readonly waiting: number;
  readonly active: number;
  /** To be tried again after a while. */
  readonly delayed: number;
}

/** Queues that these workers serve, those with shards in them. */
export async function queueRows(
  { client }: Pick<Link, 'client'>,
  fleet: readonly Pick<Announcement, 'classes'>[],
): Promise<readonly QueueRow[]> {
  const names = [...new Set(fleet.flatMap(({ classes }) => classes))].sort().map(queueName);
  const rows = names.map(async (queue): Promise<QueueRow> => {
    const key = (part: string): string => `bull:${queue}:${part}`;
    const [plain, prioritized, active, delayed] = await Promise.all([
      client.llen(key('wait')),
      client.zcard(key('prioritized')),
      client.llen(key('active')),
      client.zcard(key('delayed')),
    ]);
    return { queue, waiting: plain + prioritized, active, delayed };
  });
  return (await Promise.all(rows)).filter(({ waiting, active, delayed }) => waiting + active + delayed > 0);
}
