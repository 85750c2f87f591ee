/// Commands that do in a shell what a form does here.

/// A word in single quotes, so that a shell takes it as it is.
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export function curl_get(origin: string, path: string, after?: string): string {
  const header = after ? ` -H ${quoted(`Footfall-After: ${after}`)}` : '';
  return `curl -s${header} ${quoted(origin + path)}`;
}

export function curl_post(origin: string, path: string, body: string): string {
  return `curl -s -H 'Content-Type: application/json' --data-binary ${quoted(body)} `
    + quoted(origin + path);
}
