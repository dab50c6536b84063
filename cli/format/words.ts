/** 'a', 'a and b', 'a, b and c'; of more than `most`, 'a, b and 7 more'. */
export function listed(names: readonly string[], most = 6): string {
  const shown =
    names.length <= most ? names : [...names.slice(0, most - 1), `${names.length - most + 1} more`];
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} and ${shown[shown.length - 1]}`;
}

/** '1 output', '3 outputs'. */
export function counted(n: number, text: string, word: string): string {
  return `${text} ${word}${n === 1 ? '' : 's'}`;
}
