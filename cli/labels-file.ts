import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { PerennialError } from '../contracts/errors.ts';
import { InstantInput } from '../contracts/identifiers.ts';
import { LabelInput } from '../contracts/prediction.ts';

// The API takes an instant in any zone.
const LabelLine = LabelInput.extend({ at: InstantInput.optional() }).strict();

export type LabelFormat = 'csv' | 'ndjson';

/** Labels out of a file, or of `stdin` where the file is `-`. One that is none is told with its line. */
export async function readLabels(
  file: string,
  stdin: NodeJS.ReadableStream,
  format: LabelFormat | undefined,
): Promise<LabelInput[]> {
  const content = file === '-' ? await text(stdin) : await contentOf(file);
  const lines = content
    .split(/\r?\n/)
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line.trim() !== '');
  const csv = (format ?? (file.toLowerCase().endsWith('.csv') ? 'csv' : 'ndjson')) === 'csv';
  const parse = csv ? csvParser(file, lines.shift()?.line.trim() ?? '') : parseJson;
  const labels = lines.map(({ line, number }) => labelIn(file, number, parse(line), csv));
  if (labels.length === 0)
    throw new PerennialError('invalid-request', `${nameOf(file)} has no labels; one a line is expected`, { file });
  return labels;
}

async function contentOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (caught) {
    throw new PerennialError(
      'invalid-request',
      `${file} cannot be read; name a file, or - for standard input`,
      { file },
      { cause: caught },
    );
  }
}

function csvParser(file: string, header: string): (line: string) => unknown {
  if (header !== 'id,value' && header !== 'id,value,at')
    throw new PerennialError('invalid-request', `${nameOf(file)} must begin with the header id,value or id,value,at`, {
      file,
    });
  return (line) => {
    const [id, value = '', at, ...rest] = line.split(',').map((cell) => cell.trim());
    // An empty cell is no number, though Number() takes it for 0.
    if (value === '' || rest.length > 0) return undefined;
    return { id, value: valueOf(value), ...(at === undefined || at === '' ? {} : { at }) };
  };
}

/** A cell has no type: what reads as a number or a truth value is one, all else is the name of a class. */
function valueOf(cell: string): LabelInput['value'] {
  if (cell === 'true' || cell === 'false') return cell === 'true';
  const number = Number(cell);
  return Number.isNaN(number) ? cell : number;
}

function labelIn(file: string, line: number, value: unknown, csv: boolean): LabelInput {
  const parsed = LabelLine.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new PerennialError(
    'invalid-request',
    `${nameOf(file)} line ${line} is not a label: expected ${csv ? 'id,value' : '{"id": "…", "value": 1}'}, with "at" as an instant if given; nothing was sent`,
    { file, line },
  );
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function nameOf(file: string): string {
  return file === '-' ? 'standard input' : file;
}
