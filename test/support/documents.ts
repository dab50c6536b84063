/** A fenced block of a document and, when a ```text block follows it at once, the output it promises. */
export interface Snippet {
  readonly language: 'ts' | 'sh';
  readonly code: string;
  readonly output: string | undefined;
  /** Line of the opening fence, from 1. */
  readonly line: number;
}

const FENCE = /^```(\w*)\s*$/;

interface Block {
  readonly language: string;
  readonly code: string;
  readonly first: number;
  readonly last: number;
}

function blocks(lines: readonly string[]): Block[] {
  const found: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const open = FENCE.exec(lines[i]!);
    if (open === null) continue;
    let end = i + 1;
    while (end < lines.length && lines[end]!.trim() !== '```') end++;
    found.push({ language: open[1]!, code: lines.slice(i + 1, end).join('\n'), first: i, last: end });
    i = end;
  }
  return found;
}

/** The snippets of a Markdown text that can be run: ```ts modules, and ```sh commands that start with `npx ensample`. */
export function snippets(text: string): Snippet[] {
  const lines = text.split('\n');
  const all = blocks(lines);
  return all.flatMap((block, i): Snippet[] => {
    const next = all[i + 1];
    const adjacent =
      next !== undefined && lines.slice(block.last + 1, next.first).every((line) => line.trim() === '');
    const output = adjacent && next.language === 'text' ? next.code : undefined;
    const { language, code, first } = block;
    if (language === 'ts') return [{ language, code, output, line: first + 1 }];
    if (language === 'sh' && code.startsWith('npx ensample'))
      return [{ language, code, output, line: first + 1 }];
    return [];
  });
}

/** The text with the output of its snippet number `index` replaced. */
export function withOutput(text: string, index: number, output: string): string {
  const lines = text.split('\n');
  const all = blocks(lines);
  const { line } = snippets(text)[index]!;
  const next = all[all.findIndex(({ first }) => first + 1 === line) + 1]!;
  return [...lines.slice(0, next.first + 1), ...output.split('\n'), ...lines.slice(next.last)].join('\n');
}
