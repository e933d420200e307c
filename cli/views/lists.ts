import { z } from 'zod';
import type { ApiClient } from '../api-client.ts';
import type { CliContext } from '../cli-context.ts';

type Query = Readonly<Record<string, string | number | undefined>>;
const pageAtMost = 200;

/** Returns up to `limit` items, reading as many pages as necessary, and prints a note if there are more. */
export async function listUpTo<Item extends z.ZodType>(
  context: CliContext,
  api: ApiClient,
  path: string,
  item: Item,
  list: { readonly limit: number; readonly query?: Query },
): Promise<{ items: z.infer<Item>[]; next: string | undefined }> {
  const Page = z.object({ items: z.array(item), next: z.string().optional() });
  const items: z.infer<Item>[] = [];
  let next: string | undefined;
  do {
    const limit = Math.min(pageAtMost, list.limit - items.length);
    const page = await api.get(path, Page, { ...list.query, limit, cursor: next });
    items.push(...page.items);
    next = page.next;
  } while (next !== undefined && items.length < list.limit);
  if (next !== undefined) context.output.note(`there are more items; --limit ${list.limit * 4} shows more of them`);
  return { items, next };
}
