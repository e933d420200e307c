import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import { Option } from 'commander';
import { z } from 'zod';
import type { ConnectionKind } from '../../contracts/access/connection.ts';
import { Connection, connectionKindNames, connectionKinds } from '../../contracts/access/connection.ts';
import { readConfigurationText } from '../../contracts/configuration/configuration-text.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { CliContext } from '../cli-context.ts';
import { apiOf } from '../cli-context.ts';
import type { VerbRegistry } from '../verb.ts';

const Connections = z.object({ items: z.array(Connection) });

const settingsHelp = connectionKindNames.map((kind) => `${kind} ${connectionKinds[kind].help}`).join(', ');

export function connectionVerbs({ program, act }: VerbRegistry): void {
  const connections = program
    .command('connections')
    .description('manage named connections to webhooks, stores, databases and git');

  connections
    .command('set')
    .description(
      'create or replace a connection; its settings are read from a file, so that the command line contains no secret',
    )
    .argument('<name>', 'name of the connection')
    .addOption(
      new Option('--kind <kind>', 'kind of the connection (default: the kind in the file)').choices(
        connectionKindNames,
      ),
    )
    .option('--from <file>', 'file with the settings in YAML or JSON; - reads standard input', '-')
    .addHelpText(
      'after',
      `\nSettings: ${settingsHelp}\n\nExamples:\n  perennial connections set on-call --kind webhook --from on-call.yaml\n  vault read -format=json … | perennial connections set warehouse --kind postgres`,
    )
    .action(
      act(async (context, name: string, { kind, from }: { kind?: ConnectionKind; from: string }) => {
        const body = { ...(await settingsFrom(context, from)), ...(kind === undefined ? {} : { kind }) };
        const made = await apiOf(context, 'admin').send('PUT', pathOf(name), Connection, body);
        context.output.data(made, () => `${made.name}: ${made.kind}, ${made.target}`);
      }),
    );

  connections
    .command('list')
    .description('list the connections of the project, without their secrets')
    .addHelpText('after', '\nExample:\n  perennial connections list')
    .action(
      act(async (context) => {
        const list = await apiOf(context, 'admin').get('/v1/connections', Connections);
        context.output.data(list, () =>
          context.output.table(
            ['name', 'kind', 'target', 'last set'],
            list.items.map((item) => [item.name, item.kind, item.target, item.recordedAt]),
          ),
        );
      }),
    );

  connections
    .command('remove')
    .description('remove a connection and its secrets')
    .argument('<name>', 'name of the connection')
    .addHelpText('after', '\nExample:\n  perennial connections remove on-call')
    .action(
      act(async (context, name: string) => {
        const api = apiOf(context, 'admin');
        // DELETE succeeds for unknown names too, so this check reports a mistyped name.
        await api.get(pathOf(name), Connection);
        await api.send('DELETE', pathOf(name), z.unknown());
        context.output.data({ name, removed: true }, () => `${name}: removed`);
      }),
    );
}

function pathOf(name: string): string {
  return `/v1/connections/${encodeURIComponent(name)}`;
}

async function settingsFrom(context: CliContext, from: string): Promise<Record<string, unknown>> {
  const text = from === '-' ? await readAll(context.stdin) : await readFile(from, 'utf8');
  const parsed = z.record(z.string(), z.unknown()).safeParse(readConfigurationText(text).value);
  if (parsed.success) return parsed.data;
  // The error does not repeat the text, because it may hold a secret.
  const source = from === '-' ? 'standard input' : from;
  throw new PerennialError('invalid-request', `${source} must contain a single mapping of settings in YAML or JSON`);
}
