import { readFileSync } from 'node:fs';
import type { RedisConnection } from '../estimators/cluster.ts';
import { OptionError } from '../estimators/index.ts';
import { type Flags, flagText, readFile } from './flag-values.ts';

/* Where Redis is. A password comes from the environment or a file: everybody on a machine sees its command lines. */

/** Flags of every command that talks to Redis, beside the address itself. */
export const REDIS_FLAGS: readonly (readonly [flags: string, description: string])[] = [
  ['--tls-ca <file.pem>', 'certificate authority of a rediss:// server'],
  ['--tls-cert <file.pem>', 'certificate of this machine, with --tls-key'],
  ['--tls-key <file.pem>', 'its key'],
  ['--insecure', 'allow a server beyond this machine without TLS or password'],
];

/**
 * The connection that flags and environment name: `given` or ENSAMPLE_REDIS_URL, or the file that ENSAMPLE_REDIS_FILE
 * names. User and password of the environment belong to the same server only.
 * @throws OptionError for a password on the command line; InputError for a file that cannot be read.
 */
export function readRedis(
  where: string,
  option: string,
  given: string | undefined,
  flags: Flags,
): RedisConnection {
  const own = given === undefined ? undefined : withoutPassword(where, option, given);
  const secret = process.env.ENSAMPLE_REDIS_URL ?? urlFile(where, process.env.ENSAMPLE_REDIS_FILE);
  const url = own === undefined || (secret !== undefined && samePlace(own, secret)) ? secret : own;
  const pem = (name: string): string | undefined => {
    const file = readFile(
      where,
      name,
      flagText(
        flags,
        name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase()),
      ),
    );
    return file === undefined ? undefined : readText(where, `--${name}`, file);
  };
  const [ca, cert, key] = [pem('tls-ca'), pem('tls-cert'), pem('tls-key')];
  return {
    ...(url === undefined ? {} : { url }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(flags.insecure === true ? { insecure: true } : {}),
  };
}

function withoutPassword(where: string, option: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.username === '' && url.password === '')) return text;
  url.username = '';
  url.password = '';
  throw new OptionError({
    where,
    option,
    value: url.href,
    found: `option ${option} has a user or a password in it`,
    expected: 'an address without them: everybody on this machine can see command lines',
    fix: 'Put the whole address into ENSAMPLE_REDIS_URL, or into a file that ENSAMPLE_REDIS_FILE names.',
  });
}

function samePlace(own: string, secret: string): boolean {
  if (!URL.canParse(own) || !URL.canParse(secret)) return false;
  const [a, b] = [new URL(own), new URL(secret)];
  const port = (url: URL): string => url.port || '6379';
  return a.protocol === b.protocol && a.hostname === b.hostname && port(a) === port(b);
}

function urlFile(where: string, file: string | undefined): string | undefined {
  return file === undefined ? undefined : readText(where, 'ENSAMPLE_REDIS_FILE', file).trim();
}

function readText(where: string, option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    const found = `${option}: ${file} cannot be read (${reason})`;
    throw new OptionError({ where, option, value: file, found, expected: 'a file that is there', cause });
  }
}
