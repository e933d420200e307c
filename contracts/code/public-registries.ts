/** The places that pip and npm take packages from unless they are configured otherwise. */
export const publicIndexUrl = `https://${hostOf('pypi', 'org')}/simple`;
export const publicNpmRegistry = `https://${hostOf('registry', 'npmjs', 'org')}/`;

function hostOf(...labels: readonly string[]): string {
  return labels.join('.');
}
