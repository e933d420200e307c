interface Route {
  readonly method: string | readonly string[];
  /** In Fastify's syntax: `/v1/models/:model`. */
  readonly url: string;
}

/**
 * Holds the methods of each path, for the `Allow` header of a 405 response. The API and the gateway each register their
 * routes. `of` returns an empty list for a path without a route.
 */
export class AllowedMethods {
  readonly #routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];

  add({ method, url }: Route): void {
    const pattern = url
      .split('/')
      .map((part) => (part === '*' ? '.*' : part.startsWith(':') ? '[^/]+' : part.replaceAll('.', String.raw`\.`)))
      .join('/');
    this.#routes.push({ pattern: new RegExp(`^${pattern}$`), methods: [method].flat() });
  }

  of(path: string): readonly string[] {
    const methods = this.#routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods);
    return [...new Set(methods)].toSorted();
  }
}
