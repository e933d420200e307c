import { describe, expect, test } from 'vitest';
import { commandLine } from '../../cli/program.ts';
import { parseConfigurationFile } from '../../contracts/configuration/configuration-file.ts';
import { documents } from './documents.ts';

interface Fence {
  readonly path: string;
  readonly language: string;
  readonly text: string;
}

const fences: readonly Fence[] = [...documents()].flatMap(([path, document]) =>
  [...document.matchAll(/^```(\w+)\n(.*?)^```/gms)].map(([, language = '', text = '']) => ({ path, language, text })),
);

const configurations = fences.filter(({ language, text }) => language === 'yaml' && text.startsWith('schemaVersion:'));
const commands = fences
  .filter(({ language }) => language === 'sh')
  .flatMap(({ path, text }) => text.split('\n').map((line) => ({ path, line: line.replace(/\s+#.*$/, '') })))
  .filter(({ line }) => line.startsWith('npx perennial '));

describe('examples in documents are valid', () => {
  test('and exist', () => {
    expect(configurations.length).toBeGreaterThan(0);
    expect(commands.length).toBeGreaterThan(5);
  });

  test.each(configurations)('as the configuration in $path', ({ text }) => {
    expect(parseConfigurationFile(text).schemaVersion).toBe(1);
  });

  test.each(commands)('$path: $line', async ({ line }) => {
    let handled = 0;
    const program = commandLine(() => async () => {
      handled += 1;
    });
    await program.parseAsync(wordsOf(line).slice(2), { from: 'user' });
    expect(handled).toBe(1);
  });
});

/** Replaces a shell variable wherever an id is expected. */
const anyId = '0193e2c8-7b1c-7d4e-9f6a-2f1f4c3b2a10';

/**
 * Splits a shell line into words. Quotes keep words together, and a pipe, redirection or separator ends the command.
 */
function wordsOf(line: string): string[] {
  const words = line.match(/"[^"]*"|'[^']*'|\$\([^)]*\)|[^\s"']+/g) ?? [];
  const end = words.findIndex((word) => /^[|;&>]/.test(word));
  return (end === -1 ? words : words.slice(0, end)).map((word) =>
    word
      .replace(/^["']|["']$/g, '')
      .replace(/^(?:\$\w+|ID)$/, anyId)
      .replace(/^\$\(date .*\)$/, '2026-11-17T14:05:00Z'),
  );
}
