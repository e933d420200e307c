import type { Evidence } from '../../contracts/serving/approval-evidence.ts';
import { decideScript, decideSection } from './decide-section.ts';
import { codeSection, dataSection, lineageSection, planSection } from './difference-sections.ts';
import type { Html } from '../html.ts';
import { Html as RawHtml, html, time } from '../html.ts';
import {
  calibrationSection,
  changedRowsSection,
  comparisonSection,
  gatesSection,
  slicesSection,
} from './measured-sections.ts';
import { pageStyle } from '../page-style.ts';

/**
 * Returns a Content-Security-Policy that allows no external resources and only the scripts and styles with the nonce.
 */
export function contentSecurityPolicy(nonce: string): string {
  return `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; connect-src 'self'; form-action 'none'; base-uri 'none'`;
}

const sections: readonly ((evidence: Evidence) => Html)[] = [
  warningsSection,
  gatesSection,
  comparisonSection,
  slicesSection,
  calibrationSection,
  changedRowsSection,
  dataSection,
  codeSection,
  lineageSection,
  planSection,
  missingSection,
  decideSection,
];

/**
 * Renders the evidence as one self-contained page, which also works when saved to a file. `nonce` must be new for each
 * response.
 */
export function evidencePage(evidence: Evidence, nonce: string): string {
  const { model, environment, modelVersion } = evidence.approval;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="content-security-policy" content="${contentSecurityPolicy(nonce)}" />
        <meta name="referrer" content="no-referrer" />
        <title>${model} in ${environment}: version ${modelVersion}</title>
        <style nonce="${nonce}">
          ${new RawHtml(pageStyle)}
        </style>
      </head>
      <body>
        <main>${header(evidence)}${sections.map((section) => section(evidence))}</main>
        <script nonce="${nonce}">
          ${new RawHtml(decideScript)};
        </script>
      </body>
    </html>`;
  return page.text;
}

function header({ approval, gates }: Evidence): Html {
  const { model, environment, project, modelVersion, championVersion, status, requestedByName, recordedAt, expiresAt } =
    approval;
  const passed = gates.filter(({ verdict }) => verdict === 'pass').length;
  const replaces = championVersion === null ? 'the first release' : `in place of version ${championVersion}`;
  return html`<header>
    <p class="none">${project} · request ${approval.id}</p>
    <h1>${model} in ${environment}: version ${modelVersion}, ${replaces}</h1>
    <p>
      <span class="verdict ${status}">${status}</span> ${passed} of ${gates.length} gates pass · requested by
      ${requestedByName} at ${time(recordedAt)} · expires at ${time(expiresAt)}
    </p>
  </header>`;
}

/** Marks warnings with a sign and a word as well as a colour, because not everybody can see the colour. */
function warningsSection({ warnings }: Evidence): Html {
  if (warnings.length === 0) return html``;
  const items = warnings.map(({ code, message }) => html`<li><strong>⚠ Warning (${code}):</strong> ${message}</li>`);
  return html`<section id="warnings" aria-labelledby="warnings-title">
    <h2 id="warnings-title">Warnings: read these before the numbers</h2>
    <ul>
      ${items}
    </ul>
  </section>`;
}

function missingSection({ missing }: Evidence): Html {
  if (missing.length === 0) return html``;
  return html`<section id="missing">
    <h2>Missing from this evidence</h2>
    <ul>
      ${missing.map((what) => html`<li>${what}</li>`)}
    </ul>
  </section>`;
}
