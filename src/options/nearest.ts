import { distance } from 'fastest-levenshtein';

/** The known word that a mistyped one most likely stands for, or undefined when none is close. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  // A third of the letters may be wrong, and never all, so that a word that is simply another one suggests nothing.
  let limit = Math.min(word.length - 1, Math.max(1, Math.floor(word.length / 3)));
  let found: string | undefined;
  for (const candidate of known) {
    const steps = distance(word.toLowerCase(), candidate.toLowerCase());
    if (steps > limit || (steps === limit && found !== undefined)) continue;
    limit = steps;
    found = candidate;
  }
  return found;
}

/** `; did you mean X?`, or nothing. */
export function suggestion(word: string, known: readonly string[], prefix = ''): string {
  const found = nearest(word, known);
  return found === undefined ? '' : `; did you mean ${prefix}${found}?`;
}
