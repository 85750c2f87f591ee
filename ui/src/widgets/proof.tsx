/// Where a number came from, how fresh it is, and that nothing is missing.

import type { Answer, System } from '../lib/api';
import { age, clock_time, number, visible } from '../lib/format';
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

/// What a part of the node cannot do just now; '' while it is well.
export function fault_of({ dependencies }: System, part: 'log' | 'store' | 'cache'): string {
  const told = dependencies[part] ?? 'ok';
  return told === 'ok' ? '' : visible(told);
}

/// Why the node cannot tell what was written and applied.
export function ledger_fault(system: System): string {
  return fault_of(system, 'log') || fault_of(system, 'store') || 'the node was not told yet';
}

/// "written = applied + waiting", with the numbers, and a mark that says if it is true.
export function Ledger({ system }: { system: System }) {
  const { written, applied, waiting } = system.ledger;
  if (written === null || applied === null || waiting === null) {
    return <span class="mismatch"><span aria-hidden="true">□ </span>
      not known if anything waits: {ledger_fault(system)}</span>;
  }
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
