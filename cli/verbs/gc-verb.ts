import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { CollectedBlob, Collection } from '../../contracts/runs/collection.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Id } from '../../contracts/identifiers.ts';
import type { ApiClient } from '../api-client.ts';
import { limitOption } from '../arguments.ts';
import type { CliContext } from '../cli-context.ts';
import { apiOf } from '../cli-context.ts';
import { patiently } from '../following/follow-run.ts';
import { listUpTo } from '../views/lists.ts';
import type { VerbRegistry } from '../verb.ts';

const pollMs = 200;
const Begun = z.object({ collection: Collection });

interface GcOptions {
  readonly dryRun?: boolean;
  readonly grace?: string;
  readonly list?: boolean;
  readonly limit: number;
}

export function gcVerb({ program, act }: VerbRegistry): void {
  program
    .command('gc')
    .description('remove stored bytes that no version, release, evaluation, report, upload or unfinished run refers to')
    .option('--dry-run', 'show what would be removed, and remove nothing')
    .option('--grace <duration>', 'keep bytes that were stored less than this long ago (default: 24h; at least 1h)')
    .option('--list', 'list earlier collections, newest first')
    .addOption(limitOption(20))
    .addHelpText('after', '\nExamples:\n  perennial gc --dry-run\n  perennial gc --grace 7d\n  perennial gc --list')
    .action(
      act(async (context, { dryRun = false, grace, list = false, limit }: GcOptions) => {
        const api = apiOf(context, 'admin');
        if (list) return listCollections(context, api, limit);
        const { collection } = await api.send('POST', '/v1/gc', Begun, { dryRun, grace });
        if (collection.dryRun !== dryRun)
          throw new PerennialError(
            'conflict',
            `another collection, which ${collection.dryRun ? 'is a dry run' : 'is not a dry run'}, is in progress; run the command again when perennial gc --list shows that it has ended`,
            { collectionId: collection.id },
          );
        const ended = await follow(context, api, collection.id);
        const path = `/v1/gc/${ended.id}/blobs`;
        const { items } = await listUpTo(context, api, path, CollectedBlob, { limit });
        context.output.data({ collection: ended, blobs: items }, () => describe(context, ended, items));
      }),
    );
}

async function listCollections(context: CliContext, api: ApiClient, limit: number): Promise<void> {
  const page = await listUpTo(context, api, '/v1/gc', Collection, { limit });
  context.output.data(page, () =>
    context.output.table(
      ['begun', 'state', 'examined', 'removed', 'bytes', 'id'],
      page.items.map((c) => [
        c.recordedAt,
        c.dryRun ? `${c.state}, dry` : c.state,
        c.scanned,
        c.collected,
        c.collectedBytes,
        c.id,
      ]),
    ),
  );
}

/** Follows a collection until it is over. Ctrl-C ends only the waiting, not the collection. */
async function follow(context: CliContext, api: ApiClient, id: Id): Promise<Collection> {
  const { signal } = new AbortController();
  for (;;) {
    const now = await patiently(context, () => api.get(`/v1/gc/${id}`, Collection), signal);
    if (now.state === 'failed')
      throw new PerennialError('internal', `the collection ${id} failed: ${now.failure ?? ''}`, { collectionId: id });
    if (now.state === 'succeeded') return now;
    context.output.progress(`${now.scanned} blobs examined, ${now.collected} of them garbage`);
    await pause(pollMs);
  }
}

function describe(context: CliContext, collection: Collection, blobs: readonly CollectedBlob[]): string {
  const { dryRun, collected, collectedBytes, scanned } = collection;
  const what = `${collected} of ${scanned} blobs ${dryRun ? 'would be ' : ''}removed, ${collectedBytes} bytes`;
  if (blobs.length === 0) return what;
  const rows = blobs.map(({ sha256, bytes }) => [sha256, bytes]);
  return `${context.output.table(['sha256', 'bytes'], rows)}\n${what}`;
}
