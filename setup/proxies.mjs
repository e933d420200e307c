// The proxies of the environment, for the programs that setup starts: npm, pip, curl and go.

const thisMachine = ['localhost', '127.0.0.1', '::1'];

/**
 * The environment with the proxies in the spelling of every program, and by Perennial's two rules: this machine is never
 * reached through a proxy, and without HTTPS_PROXY the proxy of HTTP_PROXY serves https too.
 */
export function withProxies(env) {
  const http = env.http_proxy || env.HTTP_PROXY;
  const https = env.https_proxy || env.HTTPS_PROXY || http;
  if (!https) return env;
  const none = [env.no_proxy || env.NO_PROXY, ...thisMachine].filter(Boolean).join(',');
  return {
    ...env,
    ...(http ? { http_proxy: http, HTTP_PROXY: http } : {}),
    https_proxy: https,
    HTTPS_PROXY: https,
    no_proxy: none,
    NO_PROXY: none,
  };
}

export function hasProxy(env) {
  return Boolean(withProxies(env).https_proxy);
}

/** Text that a program wrote, without the user and the password of an address. */
export function withoutCredentials(text) {
  return text.replaceAll(/\/\/[^/\s@]+@/g, '//');
}
