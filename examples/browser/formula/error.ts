/** A formula that cannot be read: where, and in one or two sentences what is wrong and what to write instead. */
export class FormulaError extends Error {
  /** Both counted from 1. */
  readonly line: number;
  readonly column: number;
  /** Characters before the mistake, and its length. */
  readonly offset: number;
  readonly length: number;
  constructor(text: string, offset: number, length: number, sentence: string) {
    const before = text.slice(0, offset).split('\n');
    const line = before.length;
    const column = before[line - 1]!.length + 1;
    super(`line ${line}, column ${column}: ${sentence}`);
    this.name = 'FormulaError';
    this.line = line;
    this.column = column;
    this.offset = offset;
    this.length = length;
  }
}
