import { emphasised } from './emphasis.ts';
import { escapeText } from './escape.ts';
import type { ReportFrame } from './input.ts';
import { SORTING } from './page.ts';
import { downloads } from './sections/downloads.ts';
import { pageStyle } from './style.ts';

/** What a report is about. */
export interface Subject {
  readonly title: string;
  /** Names that sentences set in bold. */
  readonly names: readonly string[];
  /** What the files it carries hold: 'indices'. */
  readonly what: string;
}

/** A report as one HTML file around its sections: title, settings, sentences, warnings and files come first. */
export function wholePage(frame: ReportFrame, { title, names, what }: Subject, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeText(title)}</title>
<style>
${pageStyle()}
</style></head><body>
<header><h1>${escapeText(title)}</h1><p class="muted">${escapeText(frame.settings)}</p>
${leadBlock(frame, names)}${warningBox(frame)}
${downloads(frame, what)}</header>
<main>
${body}
</main>
<script>${SORTING}
</script></body></html>
`;
}

function leadBlock({ lead }: ReportFrame, names: readonly string[]): string {
  if (lead.length === 0) return '';
  return `<p class="lead">${lead.map((text) => emphasised(text, names)).join(' ')}</p>`;
}

function warningBox({ warnings }: ReportFrame): string {
  if (warnings.length === 0) return '';
  const items = warnings.map(
    ({ code, message }) => `<p><b>Caution:</b> ${escapeText(message)} <small>${escapeText(code)}</small></p>`,
  );
  return `<div class="warn" role="note">${items.join('')}</div>`;
}
