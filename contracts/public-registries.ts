/** Where pip and npm look when nobody has configured another place. */
export const publicIndexUrl = `https://${hostOf('pypi', 'org')}/simple`;
export const publicNpmRegistry = `https://${hostOf('registry', 'npmjs', 'org')}/`;

function hostOf(...labels: readonly string[]): string {
  return labels.join('.');
}
