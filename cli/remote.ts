import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type EngineError, OptionError, umBridge } from '../estimators/index.ts';
import { usageError } from './errors.ts';
import { type Flags, flagText, readInteger, readPositive } from './flag-values.ts';
import { isModule, loadModelFile, loadModuleProblem, type ModelFile } from './model-file.ts';
import { loadProblem } from './problem.ts';

/** Flags that mean something for a model behind an address only. */
const FLAGS = ['inputs', 'modelName', 'config', 'concurrency', 'timeout', 'retries'] as const;

/** Seconds that a timer can wait. */
const LONGEST = 2_000_000;

/**
 * MODEL of a command: a module, or the address of a UM-Bridge server whose inputs are in the file of --inputs.
 * @throws OptionError for a flag that cannot be used with it; InputError or ModelError for a file that cannot be read.
 */
export async function loadModel(where: string, word: string, flags: Flags): Promise<ModelFile> {
  if (isAddress(word)) return loadRemote(where, word, flags);
  const stranger = FLAGS.find((name) => flags[name] !== undefined);
  if (stranger !== undefined) throw onlyRemote(where, stranger, flags);
  return loadModelFile(where, word);
}

/** Whether MODEL is the address of a server. */
export function isAddress(word: string): boolean {
  return /^https?:\/\//i.test(word);
}

function onlyRemote(where: string, name: string, flags: Flags): EngineError {
  const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  const value = flagText(flags, name) ?? '';
  return usageError(where, option, value, 'the address of a server as MODEL, such as http://localhost:4242');
}

async function loadRemote(where: string, url: string, flags: Flags): Promise<ModelFile> {
  const options = remoteOptions(where, flags);
  if (URL.canParse(url) && `${new URL(url).username}${new URL(url).password}` !== '')
    throw usageError(
      where,
      'MODEL',
      'an address with a password',
      'one without',
      "In a module the default export may be umBridge({ url, headers: { authorization: '...' } }).",
    );
  // Told in the words of the command, before any file is read.
  const remote = umBridge({ url, ...options });
  if (flags.cluster !== undefined) throw notShared(where, url, 'workers of --cluster do');
  const path = flagText(flags, 'inputs');
  if (path === undefined || path === '') {
    throw new OptionError({
      where,
      option: '--inputs',
      value: path,
      found: 'option --inputs is missing, and a server does not know the laws of its inputs',
      expected: 'a file with them: a module that exports `inputs`, or a SALib problem',
      fix: 'For example --inputs laws.ts with export const inputs = { x: uniform(0, 1) }.',
    });
  }
  const problem = isModule(path)
    ? await loadModuleProblem(where, path)
    : { ...(await loadProblem(where, path)), url: undefined };
  const hash = createHash('sha256')
    .update(readFileSync(path))
    .update(JSON.stringify([url, options]));
  const { host, pathname } = new URL(url);
  const file = `${host}${pathname.replace(/\/+$/, '')}`;
  return { ...problem, file, hash: hash.digest('hex'), kernel: undefined, remote };
}

/** Workers ask servers themselves, as a module says. @param who 'workers of --cluster do', not knowing it. */
export function notShared(where: string, url: string, who: string): EngineError {
  return new OptionError({
    where,
    option: 'MODEL',
    value: url,
    found: `MODEL is the address of a server, which ${who} not know`,
    expected: 'a module that each of them has',
    fix: `One with export const inputs = { ... } and export default umBridge({ url: '${URL.canParse(url) ? new URL(url).origin : 'http://localhost:4242'}' }), which each of them asks.`,
  });
}

function remoteOptions(where: string, flags: Flags): Omit<Parameters<typeof umBridge>[0], 'url'> {
  const name = flagText(flags, 'modelName');
  const config = readConfig(where, flagText(flags, 'config'));
  const concurrency = readInteger(where, 'concurrency', flagText(flags, 'concurrency'), 1, 100_000, '100');
  const timeout = readPositive(where, 'timeout', flagText(flags, 'timeout'));
  const retries = readInteger(where, 'retries', flagText(flags, 'retries'), 0, 1000, '6');
  if (timeout !== undefined && timeout > LONGEST)
    throw usageError(where, '--timeout', String(timeout), `seconds, at most ${LONGEST}`);
  return {
    ...(name === undefined ? {} : { name }),
    ...(config === undefined ? {} : { config }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(timeout === undefined ? {} : { timeout: 1000 * timeout }),
    ...(retries === undefined ? {} : { retries }),
  };
}

function readConfig(where: string, text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return { ...value };
  } catch {
    // told below
  }
  throw usageError(where, '--config', text, 'a JSON object', `Try --config '{"level":2}'.`);
}
