import type { ReportFrame } from '../input.ts';
import { paragraph } from '../page.ts';
import { baseName } from './repeat.ts';

/** Above this many bytes together only the JSON stays in the page. */
const LIMIT = 2_000_000;

/** Links that hold the files themselves, so that they work without network or script. @param what they hold. */
export function downloads({ model, csv, json }: ReportFrame, what: string): string {
  const stem = baseName(model)
    .replace(/\.[^.]*$/, '')
    .replace(/[^\p{L}\p{N}._-]/gu, '_');
  const whole = csv.length + json.length <= LIMIT;
  const links = [
    whole ? link(`${stem}-${what}.csv`, 'text/csv', csv, 'Table as CSV') : '',
    link(`${stem}-${what}.json`, 'application/json', json, 'Everything as JSON'),
  ];
  const note = whole
    ? ''
    : paragraph('The CSV table is too large to keep in this page: --csv FILE writes it.', 'note');
  return `<p class="dl">${links.join('')}</p>${note}`;
}

function link(name: string, type: string, content: string, words: string): string {
  const data = Buffer.from(content, 'utf8').toString('base64');
  return `<a download="${name}" href="data:${type};charset=utf-8;base64,${data}">${words}</a>`;
}
