/** Text that is already HTML. All other values in a template are escaped. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type HtmlPart = Html | string | number | readonly HtmlPart[];

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function textOf(part: HtmlPart): string {
  if (part instanceof Html) return part.text;
  if (typeof part === 'string' || typeof part === 'number')
    return String(part).replaceAll(/[&<>"']/g, (character) => escapes[character] ?? '');
  return part.map(textOf).join('');
}

/** Tags an HTML template. Values are escaped, which is safe in attributes only if these are quoted. */
export function html(strings: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  return new Html(strings.reduce((text, string, at) => text + textOf(parts[at - 1] ?? '') + string));
}

/** Renders a table, or the text `none` if there are no rows. */
export function table(heads: readonly string[], rows: readonly (readonly HtmlPart[])[], none: string): Html {
  if (rows.length === 0) return html`<p class="none">${none}</p>`;
  const body = rows.map(
    (cells) =>
      html`<tr>
        ${cells.map((cell, at) => (at === 0 ? html`<th scope="row">${cell}</th>` : html`<td>${cell}</td>`))}
      </tr>`,
  );
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${heads.map((head) => html`<th scope="col">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`;
}

/**
 * Formats a number with at most `digits` significant digits; whole numbers keep all digits. A missing number becomes a
 * dash.
 */
export function number(value: number | null | undefined, digits = 6): string {
  if (value === null || value === undefined) return '–';
  if (Number.isInteger(value)) return value.toLocaleString('en');
  return Number(value.toPrecision(digits)).toLocaleString('en', { maximumSignificantDigits: digits });
}

export function percent(value: number | null, digits = 2): string {
  return value === null ? '–' : `${(100 * value).toFixed(digits)} %`;
}

export function short(digest: string): Html {
  return html`<code title="${digest}">${digest.slice(0, 12)}</code>`;
}

/** Formats an instant for people, in UTC to the minute. */
export function time(instant: string): string {
  return `${instant.slice(0, 10)} ${instant.slice(11, 16)} UTC`;
}
