/// Where a number came from, how fresh it is, and that nothing is missing.

import type { Answer, System } from '../lib/api';
import { age, clock_time, number } from '../lib/format';
import { now, view } from '../lib/state';
import { Copy } from './bits';

const sources = {
  cache: 'from the cache',
  actor: "from the page's own counter in memory",
  store: 'from the store',
} as const;

export function source_text(answer: Answer): string {
  return sources[answer.source] ?? `from ${answer.source}`;
}

export function AsOf({ answer }: { answer: Answer }) {
  const at = Date.parse(answer.as_of);
  if (!(at > 0)) return <>not known how fresh yet</>;
  return <>as of {clock_time(new Date(at), view.value.tz)} ({age(at, now.value)})</>;
}

interface ProofProps {
  answer: Answer;
  system: System | null;
}

export function Proof({ answer, system }: ProofProps) {
  return (
    <p class="proof">
      <span>{capital(source_text(answer))}</span>
      <span><AsOf answer={answer} /></span>
      <span>
        position <code>{answer.position || 'none yet'}</code>{' '}
        {answer.position && <Copy text={answer.position} />}
      </span>
      {system && <Ledger system={system} />}
    </p>
  );
}

/// "written = applied + waiting", with the numbers, and a mark that says if it is true.
export function Ledger({ system }: { system: System }) {
  const { written, applied, waiting } = system.ledger;
  const adds_up = written === applied + waiting;
  return (
    <span class={adds_up ? undefined : 'mismatch'}>
      <span aria-hidden="true">{adds_up ? '✓ ' : '▲ '}</span>
      {number(written)} written = {number(applied)} applied + {number(waiting)} waiting
      {!adds_up && <b> does not add up</b>}
    </span>
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
