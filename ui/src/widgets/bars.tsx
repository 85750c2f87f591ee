/// A list whose rows are bars: name, number, share. Sums up to its total.

import type { ComponentChildren } from 'preact';
import { percent } from '../lib/format';
import { Num } from './bits';

export interface Bar {
  key: string;
  label: ComponentChildren;
  value: number;
  /// More numbers, between the label and the value.
  extra?: ComponentChildren;
  /// The rest of a list: no bar.
  rest?: boolean;
}

interface BarsProps {
  label: string;
  bars: Bar[];
  total: number;
  heads: [name: string, value: string];
}

export function Bars({ label, bars, total, heads }: BarsProps) {
  const most = Math.max(1, ...bars.filter((bar) => !bar.rest).map((bar) => bar.value));
  return (
    <div class="bars-wrap">
      <div class="bars-heads quiet" aria-hidden="true">
        <span>{heads[0]}</span><span>{heads[1]}</span><span>share</span>
      </div>
      <ol class="bars" aria-label={label}>
        {bars.map((bar) => (
          <li key={bar.key} class={bar.rest ? 'rest' : undefined}>
            <span class="bar-fill" aria-hidden="true"
              style={{ width: bar.rest ? '0' : `${(bar.value / most) * 100}%` }} />
            <span class="bar-label">{bar.label}</span>
            {bar.extra && <span class="bar-extra quiet">{bar.extra}</span>}
            <span class="bar-value"><Num value={bar.value} /></span>
            <span class="bar-share quiet">{percent(bar.value, total)}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
