// Fails when a file imports from a higher level (lib < widgets < screens), or is too long.
import { readdirSync, readFileSync } from 'node:fs';

const root = new URL('../src/', import.meta.url);
const levels = ['lib', 'widgets', 'screens'];
const lines_max = 400;
const columns_max = 100;
const faults = [];
for (const name of readdirSync(root, { recursive: true })) {
  if (!/\.(ts|tsx|css)$/.test(name)) continue;
  const text = readFileSync(new URL(name, root), 'utf8');
  const lines = text.split('\n');
  if (lines.length > lines_max && !name.endsWith('.css')) {
    faults.push(`${name}: ${lines.length} lines, ${lines_max} at most`);
  }
  lines.forEach((line, i) => {
    if (line.length > columns_max) faults.push(`${name}:${i + 1}: ${line.length} columns`);
  });
  const level = levels.indexOf(name.split('/')[0]);
  if (level < 0) continue;
  for (const [, from] of text.matchAll(/from '\.\.\/(\w+)\//g)) {
    if (levels.indexOf(from) > level) faults.push(`${name}: imports from ${from}/`);
  }
}
for (const fault of faults) console.error(fault);
process.exit(faults.length ? 1 : 0);
