import { checkBlobs } from '../estimators/cluster.ts';
import { type Flags, flagText, readFile } from './flag-values.ts';

/**
 * Where results above 256 kB lie, as --blobs names it: a folder, or s3://bucket/prefix.
 * @throws OptionError for an address that cannot be used, or whose keys the environment has not.
 */
export function readBlobs(where: string, flags: Flags): string | undefined {
  const place = readFile(where, 'blobs', flagText(flags, 'blobs'));
  return place === undefined ? undefined : checkBlobs(where, place, flags.insecure === true);
}
