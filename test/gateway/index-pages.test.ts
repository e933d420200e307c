import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { indexPages } from '../../gateway/log/index-pages.ts';

const rows = [
  { id: 'a' },
  { id: 'ä', request: 'with, a comma' },
  { id: '日本語', request: 'with a\nline feed' },
  { id: 'x'.repeat(100) },
  { id: 'last' },
];
const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');

async function written(content: string): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'index-pages-')), 'index');
  await writeFile(path, content);
  return path;
}

async function collected(pages: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const page of pages) all.push(page);
  return all;
}

test('whatever the size of a page, the pages hold each row once and in order', async () => {
  for (let pageBytes = 1; pageBytes <= Buffer.byteLength(text) + 1; pageBytes += 1) {
    const pages = await collected(indexPages(await written(text), pageBytes));
    expect(pages.flatMap((page): unknown[] => JSON.parse(page))).toEqual(rows);
  }
});

test('an index without rows has no page', async () => {
  expect(await collected(indexPages(await written('')))).toEqual([]);
});

test('a large index has several pages, and they can be read again', async () => {
  const many = Array.from({ length: 20_000 }, (_, row) => ({ id: `prediction-${row}`, version: 1 }));
  const pages = indexPages(await written(many.map((row) => `${JSON.stringify(row)}\n`).join('')));
  const first = await collected(pages);
  expect(first.length).toBeGreaterThan(2);
  expect(first.flatMap((page): unknown[] => JSON.parse(page))).toEqual(many);
  expect(await collected(pages)).toEqual(first);
});
