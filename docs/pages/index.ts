import { join } from 'node:path';
import { configurationPage, configurationSchema } from './configuration-page.ts';
import { commandLinePage } from './command-line-page.ts';
import { driftPage } from './drift-table.ts';
import { errorsPage } from './errors-page.ts';
import { metricsPage } from './metrics-page.ts';
import { performancePages } from './performance-page.ts';
import { openApiDocument, restPage } from './rest-page.ts';
import { stepsPage } from './steps-page.ts';

const root = join(import.meta.dirname, '..', '..');

/** Returns the expected text of every generated page, by its path in the repository. */
export async function generatedPages(): Promise<ReadonlyMap<string, string>> {
  const openApi = await openApiDocument();
  return new Map([
    ['docs/reference/perennial.schema.json', json(configurationSchema())],
    ['docs/reference/openapi.json', json(openApi)],
    ['docs/reference/configuration.md', configurationPage()],
    ['docs/reference/errors.md', errorsPage()],
    ['docs/reference/rest.md', restPage(openApi)],
    ['docs/reference/command-line.md', commandLinePage()],
    ['docs/reference/drift.md', await driftPage(join(root, 'docs/reference/drift.md'))],
    ['docs/reference/metrics.md', await metricsPage()],
    ['docs/reference/steps.md', stepsPage()],
    ...(await performancePages()),
  ]);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
