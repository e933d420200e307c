import { z } from 'zod';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import { code, generatedNote, page, markdownTable } from './markdown.ts';

type Schema = z.core.JSONSchema.JSONSchema;

/**
 * Returns the JSON Schema for editors. It covers what each key may hold; constraints between keys are checked when the
 * file is applied.
 */
export function configurationSchema(): Schema {
  const { $schema, ...schema } = z.toJSONSchema(Configuration, { io: 'input' });
  return {
    $schema,
    $comment: 'Generated from contracts/configuration/configuration.ts by `npm run generate`; changes here are lost.',
    title: 'perennial.yaml',
    ...schema,
  };
}

export function configurationPage(): string {
  const { properties = {}, required = [] } = configurationSchema();
  const plain = Object.entries(properties).filter(([, schema]) => !isSection(schema));
  const sections = Object.entries(properties).filter(([, schema]) => isSection(schema));
  return page(
    '# perennial.yaml',
    generatedNote('contracts/configuration/configuration.ts'),
    'Each model has one such file; JSON of the same form is also accepted. An unknown key is an error that names the key, its line and the nearest known key. Editors that read JSON Schema can use [perennial.schema.json](perennial.schema.json): put `# yaml-language-server: $schema=PATH` on the first line.',
    'A duration is `250ms`, `5s`, `10m`, `72h`, `14d`, or a number and a word, such as `14 days`, `6 months` or `1 year`. Days and longer units follow the calendar in `data.timezone`. A size is `512MiB` or `2GiB`. A budget is `30 per month`.',
    keyTable(plain.flatMap(([key, schema]) => rowsOf(key, schema, required.includes(key)))),
    ...sections.map(([key, schema]) => section(key, schema)),
  );
}

function section(key: string, schema: Schema | boolean): string {
  if (typeof schema === 'boolean') return '';
  return page(`## ${key}`, `${schema.description ?? ''}.`, keyTable(childRows(key, schema))).trimEnd();
}

function keyTable(rows: readonly (readonly string[])[]): string {
  return markdownTable(['key', 'type', 'default', 'meaning'], rows);
}

function isSection(schema: Schema | boolean): boolean {
  return typeof schema === 'object' && schema.properties !== undefined;
}

function childRows(path: string, { properties = {}, required = [] }: Schema): string[][] {
  return Object.entries(properties).flatMap(([key, schema]) =>
    rowsOf(`${path}.${key}`, schema, required.includes(key)),
  );
}

/** Returns a row for the key, followed by the rows of its own keys. */
function rowsOf(path: string, schema: Schema | boolean, required: boolean): string[][] {
  if (typeof schema === 'boolean') return [];
  const row = [code(path), typeOf(schema), defaultOf(schema, required), schema.description ?? ''];
  const items = typeof schema.items === 'object' && !Array.isArray(schema.items) ? schema.items : undefined;
  const below = [...alternativeRows(path, schema), ...(items ? alternativeRows(`${path}[]`, items) : [])];
  return isSection(schema) ? [row, ...childRows(path, schema)] : [row, ...below];
}

/**
 * Returns rows for the alternative objects that a key may hold. Each alternative is marked by the keys that distinguish
 * it from the others.
 */
function alternativeRows(path: string, schema: Schema): string[][] {
  const alternatives = (schema.anyOf ?? [schema]).filter(isSection);
  if (alternatives.length === 1 && alternatives[0] === schema) return childRows(path, schema);
  return alternatives.flatMap((alternative) => {
    const told = (alternative.required ?? []).filter((key) => key !== 'metric');
    const rows = childRows(path, alternative);
    return rows.map(([key = '', ...rest]) => [
      told.length === 0 || alternatives.length === 1 ? key : `${key} (with ${told.map(code).join(', ')})`,
      ...rest,
    ]);
  });
}

function defaultOf(schema: Schema, required: boolean): string {
  if (required) return '**required**';
  const text = schema.default === undefined ? '' : JSON.stringify(schema.default);
  // The default `{}` of an optional section is not shown, because the rows of its keys show their own defaults.
  return text === '' || text === '{}' ? '' : code(text);
}

function typeOf(schema: Schema): string {
  if (schema.title !== undefined) return schema.title;
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(', ');
  if (schema.anyOf)
    return schema.anyOf.every(isSection)
      ? 'one of the forms below'
      : [...new Set(schema.anyOf.map(typeOf))].join(' or ');
  if (schema.type === 'array') return schema.maxItems === 0 ? 'empty list' : `list of ${itemsOf(schema)}`;
  if (schema.type === 'object') return isSection(schema) ? 'mapping' : 'mapping with any keys';
  if (schema.type === 'number' || schema.type === 'integer') return `${schema.type}${rangeOf(schema)}`;
  return [schema.type]
    .flat()
    .map((type) => (type === 'string' ? 'text' : type))
    .join(' or ');
}

function itemsOf({ items }: Schema): string {
  if (typeof items !== 'object' || Array.isArray(items)) return 'values';
  return items.anyOf?.every(isSection) || isSection(items) ? 'mappings' : typeOf(items);
}

function rangeOf({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Schema): string {
  const bounds = [
    minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER ? '' : `≥ ${minimum}`,
    exclusiveMinimum === undefined ? '' : `> ${exclusiveMinimum}`,
    maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? '' : `≤ ${maximum}`,
    exclusiveMaximum === undefined ? '' : `< ${exclusiveMaximum}`,
  ].filter((bound) => bound !== '');
  return bounds.length === 0 ? '' : ` ${bounds.join(', ')}`;
}
