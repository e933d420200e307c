// Passes the proxies of the environment to the programs that setup starts: npm, pip, curl and go.

const thisMachine = ['localhost', '127.0.0.1', '::1'];

/**
 * Returns the environment with the proxy variables in the spelling of every program. Applies Perennial's two rules:
 * this machine is never reached through a proxy, and without HTTPS_PROXY the proxy of HTTP_PROXY serves HTTPS too.
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

/** Removes the user name and password of addresses from a program's output. */
export function withoutCredentials(text) {
  return text.replaceAll(/\/\/[^/\s@]+@/g, '//');
}
