// Fails when a first visit, to whatever screen, would fetch more than the budgets, counted
// as sent (gzip -9): index.html, what it names, what that imports, and the screen's part; and
// the same with what draws charts, which screens that have one fetch beside their numbers.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';

const budget = 60 * 1024;
const budget_without_charts = 40 * 1024;
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
const name_of = (file) => basename(file).replace(/-.*/, '');
const laters = new Set([...first].flatMap((name) => follow(name, first)));
const screens = [...laters].filter((name) => name_of(name) !== 'plot');
const charts = sum([...laters].filter((name) => name_of(name) === 'plot'));
let failed = false;
for (const screen of screens) {
  const all = new Set([...first, screen]);
  follow(screen, all);
  const bytes = sum(all);
  failed ||= bytes > budget_without_charts || bytes + charts > budget;
  console.log(`first visit, bytes gzip: ${bytes} of ${budget_without_charts}, with a chart `
    + `${bytes + charts} of ${budget}: ${name_of(screen)}`);
}
if (screens.length < 2 || !charts || !named.length) {
  throw new Error('this script no longer reads the build');
}
process.exit(failed ? 1 : 0);
