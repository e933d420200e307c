import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { z } from 'zod';

// Checks every API response that a test receives against the published OpenAPI document. A response that a client with
// generated types could not parse fails the test that received it.

const Content = z.record(z.string(), z.unknown());
const Operation = z.object({ responses: z.record(z.string(), z.object({ content: Content.optional() })) });
const Document = z.looseObject({ paths: z.record(z.string(), z.record(z.string(), Operation)) });

const documentFile = fileURLToPath(new URL('../../docs/reference/openapi.json', import.meta.url));

export interface SeenAnswer {
  readonly method: string;
  /** With or without its query string. */
  readonly path: string;
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

function escaped(pointer: string): string {
  return encodeURIComponent(pointer.replaceAll('~', '~0').replaceAll('/', '~1'));
}

/** The published OpenAPI document. A test in test/docs keeps the generated file current. */
class PublishedAnswers {
  readonly #document = Document.parse(JSON.parse(readFileSync(documentFile, 'utf8')));
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: false });
  readonly #templates: readonly { readonly path: string; readonly pattern: RegExp }[];

  constructor() {
    this.#ajv.addSchema(this.#document, 'openapi');
    this.#templates = Object.keys(this.#document.paths).map((path) => ({
      path,
      pattern: new RegExp(`^${path.replaceAll('.', String.raw`\.`).replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    }));
  }

  /** Returns what is wrong with the response, or undefined if the document allows it or does not describe its path. */
  problemWith({ method, path, status, contentType, text }: SeenAnswer): string | undefined {
    const [bare = ''] = path.split('?', 1);
    const name = method.toLowerCase();
    const template = this.#templates.find(
      (one) => one.pattern.test(bare) && name in (this.#document.paths[one.path] ?? {}),
    );
    if (template === undefined) return undefined;
    const { responses } = this.#document.paths[template.path]?.[name] ?? { responses: {} };
    const answered = String(status) in responses ? String(status) : 'default';
    const response = responses[answered];
    if (response === undefined) return `the document has no answer ${status}`;
    const [type = ''] = contentType.split(';', 1);
    if (response.content === undefined) return text === '' ? undefined : `the document says that ${status} has no body`;
    if (!(type in response.content)) return `the document knows no ${type} of ${status}`;
    if (!type.endsWith('json')) return undefined;
    const place = ['paths', template.path, name, 'responses', answered, 'content', type, 'schema'].map(escaped);
    // Compiled once for each place, because compiling takes longer than every other step.
    const reference = `openapi#/${place.join('/')}`;
    const validate = this.#ajv.getSchema(reference);
    if (validate === undefined) return `the document has no schema at ${reference}`;
    if (validate(JSON.parse(text)) === true) return undefined;
    return this.#ajv.errorsText(validate.errors, { separator: '; ' });
  }
}

let published: PublishedAnswers | undefined;

/** Throws if the published document does not allow the response. */
export function checkAnswer(answer: SeenAnswer): void {
  published ??= new PublishedAnswers();
  const problem = published.problemWith(answer);
  if (problem === undefined) return;
  const { method, path, status, text } = answer;
  throw new Error(
    `${method} ${path} answered ${status}, which openapi.json does not admit: ${problem}\n${text.slice(0, 2_000)}`,
  );
}
