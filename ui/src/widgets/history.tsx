/// What the node did in the last ten minutes: three rows of bars of five seconds each.

import type { History } from '../lib/api';
import { milliseconds, number, rate } from '../lib/format';
import type { Resource } from '../lib/resource';
import { slo_ms } from './spark';
import { Widget } from './widget';

const bar_s = 5;
const most_bars = 600 / bar_s;

type Column = (number | null)[];

/// Cut where the clock has a whole number of bars, so that a bar stays what it is; the last one
/// is over. Null where nothing is known.
function bars_of(column: Column, from: string, together: (values: number[]) => number): Column {
  const bars: Column = [];
  const over = (Date.parse(from) / 1000 + column.length) % bar_s;
  for (let end = column.length - over; end > 0; end -= bar_s) {
    const values = column.slice(Math.max(0, end - bar_s), end).filter((x) => x !== null);
    bars.unshift(values.length > 0 ? together(values) : null);
  }
  return bars;
}

const a_second = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / bar_s;
const most = (values: number[]) => Math.max(...values);

function added(...columns: Column[]): Column {
  return columns[0]!.map((first, i) => (first === null ? null
    : columns.reduce((sum, column) => sum + (column[i] ?? 0), 0)));
}

interface RowProps {
  title: string;
  bars: Column;
  text: (value: number) => string;
  /// A bar above it is drawn as late.
  limit?: number;
}

function Row({ title, bars, text, limit = Infinity }: RowProps) {
  const known = bars.filter((x) => x !== null);
  const highest = Math.max(0, ...known);
  const newest = bars[bars.length - 1] ?? null;
  const height = 44;
  // Bars keep their width while there are few of them: time runs to the right edge.
  const first = most_bars - bars.length;
  const said = `now ${newest === null ? 'none' : text(newest)}, at most ${text(highest)}`;
  return (
    <figure class="history">
      <figcaption><b>{title}</b> <span class="quiet">{said}</span></figcaption>
      <svg class="minutes" viewBox={`0 0 ${most_bars * 4} ${height}`} preserveAspectRatio="none"
        role="img" aria-label={`${title} in the last ten minutes: ${said}`} height={height}>
        {bars.map((value, i) => {
          if (value === null) return null;
          const tall = value === 0 ? 1 : Math.max(2, (value / (highest || 1)) * (height - 2));
          return <rect key={first + i} x={(first + i) * 4 + 0.5} width={3} y={height - tall}
            height={tall} class={value === 0 ? 'zero' : value > limit ? 'late' : undefined} />;
        })}
      </svg>
    </figure>
  );
}

export function HistoryWidget({ history }: { history: Resource<History> }) {
  return (
    <Widget title="Last ten minutes" res={history} height={230} class="wide"
      empty={(data) => (data.seconds <= bar_s
        ? <p class="quiet">The node has just started.</p> : null)}>
      {(data) => {
        const { cache, actor, store, failed } = data.queries;
        const from = data.from ?? '';
        const late = data.freshness.p99_ms.filter((x) => x !== null && x > slo_ms).length;
        return (
          <>
            <Row title="Events counted a second" text={rate}
              bars={bars_of(data.applied, from, a_second)} />
            <Row title="Questions a second" text={rate}
              bars={bars_of(added(cache, actor, store, failed), from, a_second)} />
            <Row title="Accepted to visible, p99" text={milliseconds} limit={slo_ms}
              bars={bars_of(data.freshness.p99_ms, from, most)} />
            <p class="quiet">
              {late === 0 ? 'No second of them was over the goal of 1 s.'
                : `${number(late)} of ${number(data.seconds)} seconds were over the goal of 1 s.`}
              {' '}A bar is five seconds; where there is none, nothing was counted.
            </p>
          </>
        );
      }}
    </Widget>
  );
}
