/// Commands that do in a shell what a form does here.

import { session } from './session';
import { share_base } from './share';

/// A word in single quotes, so that a shell takes it as it is.
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/// A shell has no session: where the node asks, it names a key. A share link stands in the address.
function key_header(): string {
  return session.value?.asks && !share_base ? ' -H "Authorization: Bearer $FOOTFALL_KEY"' : '';
}

export function curl_get(origin: string, path: string, after?: string): string {
  const header = after ? ` -H ${quoted(`Footfall-After: ${after}`)}` : '';
  return `curl -s${key_header()}${header} ${quoted(origin + path)}`;
}

export function curl_post(origin: string, path: string, body: string): string {
  return `curl -s${key_header()} -H 'Content-Type: application/json' --data-binary ${quoted(body)} `
    + quoted(origin + path);
}
