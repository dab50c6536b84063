import type { MissingShards } from '../estimators/cluster.ts';
import { count } from './format/number.ts';
import { wrap } from './format/text.ts';
import { counted } from './format/words.ts';
import type { Stream } from './terminal.ts';

/** '1 shard has', '3 shards have': before 'no result yet'. */
export function shardsHave(n: number, of = ''): string {
  return `${counted(n, count(n), 'shard')}${of} ${n === 1 ? 'has' : 'have'} no result yet: ${n === 1 ? 'it is' : 'they are'} listed on stdout.`;
}

/** Files of results that were there and are gone: told with --quiet as well, since nobody would find out later. */
export function tellDamaged({ damaged }: Pick<MissingShards, 'damaged'>, err: Stream): void {
  for (const file of damaged)
    err.write(
      `${wrap(`Warning: ${file} was damaged, or of another run, and is deleted: its shard is to be computed again.`, err.look.width)}\n`,
    );
}
