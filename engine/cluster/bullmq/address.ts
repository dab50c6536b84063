import { isIP } from 'node:net';
import { OptionError } from '../../errors.ts';

/*
 * Where Redis is, and whether it may be talked to there. Loopback is trusted; everywhere else the connection must be
 * encrypted and the server must ask for a password or a certificate, or the user must say `insecure`.
 */

/** How to reach Redis or Valkey. */
export interface RedisConnection {
  /** 'redis://127.0.0.1:6379' (default), 'rediss://' with TLS. Default: ENSAMPLE_REDIS_URL where it is set. */
  readonly url?: string;
  /** Certificate authority, and a certificate with its key of this client, all as PEM. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Allow plain or open connections beyond this machine. Default false. */
  readonly insecure?: boolean;
}

/** An address that was checked. */
export interface Address {
  /** Without user and password: what may be shown and logged. */
  readonly shown: string;
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined;
}

export const DEFAULT_URL = 'redis://127.0.0.1:6379';

/** @throws OptionError for what is no address, and for one that is neither on this machine nor protected. */
export function readAddress(where: string, connection: string | RedisConnection = {}): Address {
  const given = typeof connection === 'string' ? { url: connection } : connection;
  const { ca, cert, key, insecure = false } = given as RedisConnection;
  const text = given.url ?? process.env.ENSAMPLE_REDIS_URL ?? DEFAULT_URL;
  const url = parse(where, text);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const secure = url.protocol === 'rediss:';
  const password = url.password === '' ? undefined : decodeURIComponent(url.password);
  const address: Address = {
    shown: withoutSecrets(url),
    host,
    port: url.port === '' ? 6379 : Number(url.port),
    db: Number(url.pathname.slice(1) || '0'),
    username: url.username === '' ? undefined : decodeURIComponent(url.username),
    password,
    tls: secure
      ? {
          ...(ca === undefined ? {} : { ca }),
          ...(cert === undefined || key === undefined ? {} : { cert, key }),
        }
      : undefined,
  };
  const known = password !== undefined || address.tls?.cert !== undefined;
  if (!insecure && !isLoopback(host) && !(secure && known)) throw open(where, address.shown, secure, known);
  return address;
}

/** Whether an address names this machine itself. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

/** An address as it may be shown: 'redis://127.0.0.1:6379/2'. */
export function withoutSecrets(url: URL): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  shown.search = '';
  return shown.href.replace(/\/$/, '');
}

function parse(where: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const right =
    url !== undefined &&
    /^rediss?:$/.test(url.protocol) &&
    url.hostname !== '' &&
    /^\/?\d*$/.test(url.pathname);
  if (right) return url;
  const shown = url === undefined ? 'an address that cannot be read' : withoutSecrets(url);
  throw new OptionError({
    where,
    option: 'connection',
    value: shown,
    found: `the address of Redis is ${shown}`,
    expected: 'redis://host:port or, with TLS, rediss://host:port',
    fix: `Try ${DEFAULT_URL}.`,
  });
}

function open(where: string, shown: string, secure: boolean, known: boolean): OptionError {
  const lacks = [...(secure ? [] : ['TLS']), ...(known ? [] : ['a password'])].join(' and ');
  return new OptionError({
    where,
    option: 'connection',
    value: shown,
    found: `${shown} is another machine, and the connection lacks ${lacks}`,
    expected: 'rediss:// with a password (in ENSAMPLE_REDIS_URL) or a client certificate',
    fix: 'On a network that is yours alone: `insecure: true`, or --insecure.',
  });
}
