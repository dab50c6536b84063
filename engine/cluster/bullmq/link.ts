import { ClusterError } from '../cluster-error.ts';
import { type Address, type RedisConnection, readAddress } from './address.ts';
import { loadPackages, type Packages, type Redis, type RedisOptions } from './load.ts';

/*
 * One connection to Redis, opened once and kept through restarts of the server. Commands wait while it is away.
 */

/** An open connection with the packages that use it. */
export interface Link extends Packages {
  readonly client: Redis;
  readonly address: Address;
  /** What is not as it should be on the server, as sentences. */
  readonly warnings: readonly string[];
  /** Bytes that the server may use; 0 where there is no limit. */
  readonly mostMemory: number;
  close(): Promise<void>;
}

/** Milliseconds: for the first connection, and between attempts once it was there. */
const PATIENCE = { connect: 5000, again: 1000 };

/**
 * Connects.
 * @throws ClusterError when the server is not there, refuses the password, or is none; OptionError for the address.
 */
export async function openLink(where: string, connection: string | RedisConnection = {}): Promise<Link> {
  const address = readAddress(where, connection);
  const packages = await loadPackages(where);
  const client = await connect(where, address, packages);
  try {
    const info = await client.info();
    const warnings = warningsOf(info);
    return {
      ...packages,
      client,
      address,
      warnings,
      mostMemory: memoryOf(info),
      async close() {
        client.disconnect();
      },
    };
  } catch (cause) {
    client.disconnect();
    throw refused(where, address, cause);
  }
}

async function connect(where: string, address: Address, { Redis }: Packages): Promise<Redis> {
  let there = false;
  const { host, port, db, username, password, tls } = address;
  const options: RedisOptions = {
    ...{ host, port, db, lazyConnect: true, connectTimeout: PATIENCE.connect },
    ...{ maxRetriesPerRequest: null, enableReadyCheck: true, connectionName: 'ensample' },
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls }),
    retryStrategy: (times) => (there ? Math.min(times * 50, PATIENCE.again) : null),
  };
  const client = new Redis(options);
  let last: unknown;
  // Without a listener every lost connection would be printed.
  client.on('error', (error) => {
    last = error;
  });
  try {
    await client.connect();
    // A server without users answers AUTH with an error that ioredis only tells, and goes on.
    await client.ping();
    there = true;
    return client;
  } catch (cause) {
    client.disconnect();
    throw refused(where, address, last ?? cause);
  }
}

function refused(where: string, address: Address, cause: unknown): ClusterError {
  const { shown, host, port } = address;
  const error = cause as { readonly code?: string; readonly message?: string } | undefined;
  const text = error?.message ?? String(cause);
  if (/WRONGPASS|NOAUTH|invalid (username|password)|AUTH/.test(text)) {
    return new ClusterError({
      where,
      found: `Redis at ${shown} refused the user or the password`,
      expected: 'those that the server knows',
      fix: 'Put them into ENSAMPLE_REDIS_URL: redis://user:password@host:port.',
    });
  }
  if (/NOPERM/.test(text)) {
    return new ClusterError({
      where,
      found: `Redis at ${shown} does not let this user in (${text})`,
      expected: 'the permissions that docs/clusters.md lists',
    });
  }
  const badly = encryption(where, address, error?.code ?? '', cause);
  if (badly !== undefined) return badly;
  const start = `redis-server --bind 127.0.0.1 --port ${port} --appendonly yes --maxmemory-policy noeviction`;
  return new ClusterError({
    where,
    found: `Redis at ${shown} cannot be reached (${error?.code ?? text})`,
    expected: 'a Redis or Valkey server there',
    fix: `Start one${host === '127.0.0.1' || host === 'localhost' ? '' : ' there'}: ${start}.`,
    cause,
  });
}

/** What is wrong with the encryption; undefined where it is something else. */
function encryption(
  where: string,
  { shown, tls }: Address,
  code: string,
  cause: unknown,
): ClusterError | undefined {
  if (/ALTNAME/.test(code))
    return new ClusterError({
      where,
      found: `the certificate of Redis at ${shown} is for another name (${code})`,
      expected: 'one that has this host among its names',
      fix: 'Call the server by a name of its certificate.',
      cause,
    });
  if (/^(?!ERR_SSL).*(CERT|LEAF_SIGNATURE)/.test(code))
    return new ClusterError({
      where,
      found: `the certificate of Redis at ${shown} is not trusted (${code})`,
      expected: 'one of an authority that this machine knows, and that is valid today',
      fix: 'Name its authority: --tls-ca FILE, or the option `ca`.',
      cause,
    });
  const late = tls !== undefined && code === 'ETIMEDOUT';
  if (!late && !/ECONNRESET|EPROTO|^ERR_SSL/.test(code)) return undefined;
  return new ClusterError({
    where,
    found: `Redis at ${shown} ${late ? 'does not answer' : 'ended the connection'} (${code})`,
    expected: tls === undefined ? 'a server that speaks without TLS there' : 'a server that speaks TLS there',
    fix:
      tls === undefined
        ? `With TLS the address begins with rediss://.`
        : tls.cert === undefined
          ? 'Is it the port of `tls-port`? Without TLS the address begins with redis://. It may want a certificate of this machine: --tls-cert and --tls-key.'
          : 'Is it the port of `tls-port`, and does the server know the authority of this certificate?',
    cause,
  });
}

/** Bytes that the server may use now; 0 where there is no limit. */
export async function mostMemory({ client }: Pick<Link, 'client'>): Promise<number> {
  return memoryOf(await client.info('memory'));
}

function memoryOf(info: string): number {
  return Number(/^maxmemory:(\d+)/m.exec(info)?.[1] ?? 0);
}

/** What a queue needs of its server and this one has not. */
function warningsOf(info: string): string[] {
  const of = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  const warnings: string[] = [];
  const policy = of('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction')
    warnings.push(
      `Redis may throw results away: its maxmemory-policy is ${policy}; only noeviction keeps them.`,
    );
  if (of('aof_enabled') === '0')
    warnings.push('Redis forgets everything when it restarts: start it with --appendonly yes.');
  return warnings;
}

/** Resolves when a task ends, however, or after some milliseconds: a server that is away keeps commands waiting. */
export function within(milliseconds: number, task: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    task.then(end, end);
  });
}
