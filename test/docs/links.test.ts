import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { documents, root } from './documents.ts';

interface Link {
  readonly from: string;
  readonly to: string;
}

function linksOf(path: string, text: string): Link[] {
  const prose = text.replaceAll(/^```.*?^```/gms, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = '']) => ({ from: path, to }));
}

/** Returns the anchors of the headings, in the form that GitHub gives them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('documents', () => {
  const all = documents();
  const links = [...all].flatMap(([path, text]) => linksOf(path, text));

  test('contain links, so that these tests check something', () => {
    expect(links.length).toBeGreaterThan(20);
    expect(all.has('README.md')).toBe(true);
  });

  test('contain only relative links to existing files and headings', () => {
    const broken = links.filter(({ from, to }) => {
      if (/^[a-z]+:/.test(to)) return false;
      const [file = '', anchor] = to.split('#');
      const target = file === '' ? from : normalize(join(dirname(from), file));
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(all.get(target) ?? '').includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test('contain only outside links over https', () => {
    const outside = links.filter(({ to }) => /^[a-z]+:/.test(to) && !/^(https:|mailto:)/.test(to));
    expect(outside).toEqual([]);
  });

  test('name only existing npm scripts', () => {
    const scripts = [...all.values()].flatMap((text) =>
      [...text.matchAll(/npm run ([a-z:-]+)/g)].map(([, name]) => name),
    );
    const manifest: { scripts: object } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect([...new Set(scripts)].filter((name) => !Object.hasOwn(manifest.scripts, name ?? ''))).toEqual([]);
  });
});
