import { readFile } from 'node:fs/promises';

/**
 * Settings by section and key. A pip file names its sections in brackets; an npm file has one section, named ''.
 */
export type IniSettings = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Reads a configuration file of pip or npm. A missing file has no settings. */
export async function readIniFile(path: string): Promise<IniSettings> {
  return parseIni(await readFile(path, 'utf8').catch(() => ''));
}

/** Parses settings as Python's RawConfigParser does: an indented line continues the value above it. */
export function parseIni(text: string): IniSettings {
  const sections = new Map<string, Map<string, string>>();
  let section = new Map<string, string>();
  sections.set('', section);
  let key: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*([#;].*)?$/.test(line)) continue;
    const header = /^\[([^\]]+)\]\s*$/.exec(line)?.[1];
    const [, name, value] = /^([^\s=:][^=]*?)\s*=\s*(.*)$/.exec(line) ?? /^([^\s=:]+)\s*:\s+(.*)$/.exec(line) ?? [];
    if (header !== undefined) {
      section = sections.get(header) ?? new Map<string, string>();
      sections.set(header, section);
      key = undefined;
    } else if (/^\s/.test(line) && key !== undefined) {
      section.set(key, `${section.get(key) ?? ''}\n${line.trim()}`.trim());
    } else if (name !== undefined && value !== undefined) {
      key = name;
      section.set(key, value.trim());
    }
  }
  return sections;
}
