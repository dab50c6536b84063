import { accessSync, constants, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { EngineError, InputError, nearestName } from '../estimators/index.ts';

/**
 * Makes sure before the run that a file can be written after it.
 * @throws EngineError (code 'file') naming the option and the reason.
 */
export function checkWritable(where: string, option: string, file: string): void {
  const path = resolve(file);
  const folder = dirname(path);
  let reason: string | undefined;
  if (!existsSync(folder)) reason = 'its folder does not exist';
  else if (existsSync(path) && statSync(path).isDirectory()) reason = 'it is a folder';
  else if (!statSync(folder).isDirectory()) reason = 'its folder is a file';
  else if (!isWritable(existsSync(path) ? path : folder)) reason = 'permission is denied';
  if (reason === undefined) return;
  throw new EngineError('file', {
    where,
    found: `option ${option}: ${file} cannot be written because ${reason}`,
    expected: 'a file in a folder that exists and may be written to',
    fix: 'Nothing was run.',
  });
}

/**
 * Writes what a run found to a file that could be written to before it.
 * @throws EngineError (code 'file') with the reason of the system.
 */
export function writeText(option: string, file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split(',', 1)[0] : String(cause);
    const found = `option ${option}: ${file} could not be written (${reason})`;
    throw new EngineError('file', {
      where: 'ensample',
      found,
      expected: 'a file that can be written to until the end of the run',
      cause,
    });
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes sure that a file is there to be read.
 * @throws InputError that suggests the nearest name in the same folder.
 */
export function checkReadable(where: string, file: string): void {
  const path = resolve(file);
  if (existsSync(path) && !statSync(path).isDirectory()) return;
  const folder = dirname(path);
  const near =
    existsSync(folder) && !existsSync(path) ? nearestName(basename(path), readdirSync(folder)) : undefined;
  const place = dirname(file) === '.' ? 'this folder' : dirname(file);
  const what = existsSync(path)
    ? `${file} is a folder, not a file`
    : existsSync(folder)
      ? `no file ${basename(file)} in ${place}`
      : `no folder ${place}`;
  throw new MissingFile(where, file, what, near);
}

/** A file that is not there; its message is the short form that ends in a suggestion. */
class MissingFile extends InputError {
  constructor(where: string, file: string, what: string, near: string | undefined) {
    super({ where, file, found: what, expected: 'the name of a file' });
    this.message = `${where}: ${what}.${near === undefined ? '' : ` Did you mean ${near}?`}`;
  }
}
