// Fails when a first visit, to whatever screen, would fetch more than the budget, counted
// as sent (gzip -9): index.html, what it names, what that imports, and the screen's part.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';

const budget = 60 * 1024;
const root = new URL('../dist/', import.meta.url);
const text_of = (name) => readFileSync(new URL(name, root), 'utf8');
const size_of = (name) => gzipSync(readFileSync(new URL(name, root)), { level: 9 }).length;

const index = text_of('index.html');
const named = [...index.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((match) => match[1]);
const first = new Set(['index.html', ...named]);

/// Adds what a script imports at once; returns what it imports later.
function follow(name, into) {
  if (!name.endsWith('.js')) return [];
  const text = text_of(name);
  const beside = (file) => `assets/${basename(file)}`;
  for (const match of text.matchAll(/(?:from|import)\s*["'`](\.\/[^"'`]+)["'`]/g)) {
    if (into.has(beside(match[1]))) continue;
    into.add(beside(match[1]));
    follow(beside(match[1]), into);
  }
  return [...text.matchAll(/import\(\s*["'`](\.\/[^"'`]+)["'`]\s*\)/g)].map((m) => beside(m[1]));
}

const sum = (names) => [...names].reduce((total, name) => total + size_of(name), 0);
const laters = new Set([...first].flatMap((name) => follow(name, first)));
const visits = [['overview', first]];
for (const screen of laters) {
  const all = new Set([...first, screen]);
  follow(screen, all);
  visits.push([basename(screen).replace(/-.*/, ''), all]);
}
let failed = false;
for (const [screen, files] of visits) {
  const bytes = sum(files);
  failed ||= bytes > budget;
  console.log(`${String(bytes).padStart(7)} of ${budget} bytes gzip for a first visit: ${screen}`);
}
if (visits.length < 2 || !named.length) throw new Error('this script no longer reads the build');
process.exit(failed ? 1 : 0);
