import { InvalidArgumentError, Option } from 'commander';
import { Id, InstantInput } from '../contracts/identifiers.ts';

// Parsers of command-line arguments. They report mistakes before anything is sent, in terms of the command line.

export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || !Number.isSafeInteger(number))
    throw new InvalidArgumentError('Expected a whole number, at least 1.');
  return number;
}

export function instant(text: string): string {
  const parsed = InstantInput.safeParse(text);
  if (!parsed.success)
    throw new InvalidArgumentError('Expected an instant with a time zone, e.g. 2026-11-17T14:05:00Z or …+01:00.');
  return parsed.data;
}

/** Parses an id. `listedBy` is the verb that lists the existing ids, which the error names. */
export function idArgument(listedBy: string): (text: string) => string {
  return (text) => {
    const parsed = Id.safeParse(text);
    if (!parsed.success)
      throw new InvalidArgumentError(`Expected an id; perennial ${listedBy} lists the existing ids.`);
    return parsed.data;
  };
}

export function limitOption(usually: number): Option {
  return new Option('--limit <n>', 'list at most this many').argParser(wholeNumber).default(usually);
}
