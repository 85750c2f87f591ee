/// Has the node count a page again from its raw events, for who may.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { call } from '../lib/api';
import { count_of, number } from '../lib/format';
import { site_params } from '../lib/state';
import { use_action, Wrong } from './action';
import { Foreign } from './bits';

interface Audit {
  ok: boolean;
  differences: { table: string; key: string; expected: number; found: number }[];
  checked: string[];
  not_checked: string[];
}

/// Every raw event of the node is read: minutes, when there are many millions.
const patience_ms = 600_000;

export function Recount({ url }: { url: string }) {
  const found = useSignal<Audit | null>(null);
  const action = use_action();
  const leaves = useRef(new AbortController());
  useEffect(() => () => leaves.current.abort(), []);
  const count = async () => {
    found.value = null;
    found.value = await call<Audit>('/v1/system/audit', { ...site_params(), page_url: url },
      { patience_ms, signal: leaves.current.signal });
  };
  return (
    <div class="recount">
      <button type="button" class="plain" disabled={action.busy.value}
        onClick={() => void action.run(count)}>Recount this page</button>
      <Wrong action={action} />
      <p role="status">{action.busy.value ? 'All events of the node are read …'
        : found.value && <Verdict audit={found.value} />}</p>
      {found.value && <ul class="quiet">
        {found.value.differences.map((one, i) => <li key={i}>
          <Foreign text={`${one.table}: ${one.key}`} /> is {number(one.found)}, and should be
          {' '}{number(one.expected)}</li>)}
        {found.value.checked.map((text) => <li key={text}>compared: {text}</li>)}
        {found.value.not_checked.map((text) => <li key={text}>not compared: {text}</li>)}
      </ul>}
    </div>
  );
}

function Verdict({ audit }: { audit: Audit }) {
  return (
    <span class={audit.ok ? undefined : 'bad'}>
      <span aria-hidden="true">{audit.ok ? '✓ ' : '▲ '}</span>
      {audit.ok ? 'All that was compared is equal.'
        : `${count_of(audit.differences.length, 'number')} should be another.`}
    </span>
  );
}
