import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { openModules } from '../estimators/cluster.ts';
import { InputError } from '../estimators/index.ts';
import { type Flags, flagText, readFile } from './flag-values.ts';

/* What `plan` leaves in the folder of a run for `merge`. */

const COMMAND = 'command.json';

/** A run as `plan` keeps it for `merge`. */
export interface Saved {
  /** From the folder of the run. */
  readonly model: string;
  readonly flags: Flags;
}

export function keepCommand(folder: string, saved: Saved): void {
  writeFileSync(join(folder, COMMAND), textOf(saved));
}

function textOf(saved: Saved): string {
  return `${JSON.stringify(saved, null, 2)}\n`;
}

/** @throws InputError when the folder is that of another command. */
export function checkCommand(where: string, folder: string, saved: Saved): void {
  const file = join(folder, COMMAND);
  if (!existsSync(file) || readFileSync(file, 'utf8') === textOf(saved)) return;
  throw new InputError({
    where,
    file,
    found: `${folder} holds the run of another command`,
    expected: 'an empty folder, or the one of the same command',
    fix: 'Take another folder, or delete that one.',
  });
}

/** @throws InputError when there is none. */
export function readCommand(where: string, folder: string): Saved {
  const file = join(folder, COMMAND);
  try {
    const saved = JSON.parse(readFileSync(file, 'utf8')) as Partial<Saved> | null;
    if (typeof saved?.model === 'string' && typeof saved.flags === 'object') return saved as Saved;
  } catch {}
  throw new InputError({
    where,
    file,
    found: `${file} cannot be read`,
    expected: 'what `ensample plan` wrote there',
  });
}

/**
 * The file of a run's model: the one that --models names, by itself or in a folder; else where it lay from the folder of
 * the run when that was planned.
 * @throws InputError when it is not there.
 */
export function modelOfRun(where: string, folder: string, { model }: Saved, flags: Flags): string {
  const { models } = modelsOf(where, flags);
  if (models !== undefined && statSync(models, { throwIfNoEntry: false })?.isFile() === true) return models;
  const known = models === undefined ? {} : openModules(models).files;
  const file = Object.values(known).find((own) => basename(own) === basename(model)) ?? join(folder, model);
  if (existsSync(file)) return file;
  throw new InputError({
    where,
    file,
    found: `there is no ${file}, where the model of this run lay when it was planned`,
    expected: 'the model beside the run as it was then',
    fix: `Or name it: ensample merge ${folder} --models ${basename(model)}.`,
  });
}

/** --models, for `files`. */
export function modelsOf(where: string, flags: Flags): { readonly models?: string } {
  const models = readFile(where, 'models', flagText(flags, 'models'));
  return models === undefined ? {} : { models };
}
