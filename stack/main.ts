import { ignoreProxyOfNode } from '../adapters/outbound-hosts/ignore-proxy-of-node.ts';
import { PerennialError, reasonOf } from '../contracts/errors.ts';
import { parseSettings, StackSettings } from '../contracts/settings/settings.ts';
import { homeIsHeld } from '../contracts/settings/stack-exit.ts';
import { askStackToStop } from './processes/ask-to-stop.ts';
import { HomeIsHeld } from './claim-home.ts';
import { runStack } from './run-stack.ts';

// The terminal may go away before the stack has stopped; further output is then dropped.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

// Files that the stack and its parts write must be readable by their owner only.
process.umask(0o077);

ignoreProxyOfNode();

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());

try {
  const settings = parseSettings(StackSettings, process.env);
  if (process.argv[2] === 'stop') process.exitCode = askStackToStop(settings.PERENNIAL_HOME) ? 0 : 1;
  else await runStack({ settings, environment: process.env, say, signal: stop.signal });
} catch (caught) {
  say(
    caught instanceof PerennialError
      ? caught.message
      : `the stack failed: ${caught instanceof Error ? (caught.stack ?? reasonOf(caught)) : reasonOf(caught)}`,
  );
  process.exitCode = caught instanceof HomeIsHeld ? homeIsHeld : 1;
}

function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}
