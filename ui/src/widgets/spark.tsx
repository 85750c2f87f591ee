/// Small drawings of our own: a line without axes, and the freshness histogram.

import { count_of, milliseconds, number } from '../lib/format';
import type { Freshness } from '../lib/api';

interface SparkProps {
  values: number[];
  label: string;
  height?: number;
}

export function Spark({ values, label, height = 36 }: SparkProps) {
  const most = Math.max(1, ...values);
  const width = 240;
  const step = width / Math.max(1, values.length - 1);
  const y = (value: number) => height - 1 - (value / most) * (height - 3);
  const points = values.map((value, i) => `${(i * step).toFixed(1)},${y(value).toFixed(1)}`);
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none"
      role="img" aria-label={label} height={height}>
      <polygon points={`0,${height} ${points.join(' ')} ${width},${height}`} />
      <polyline points={points.join(' ')} vector-effect="non-scaling-stroke" />
    </svg>
  );
}

/// One bar a minute, oldest first; the last is the running minute and only outlined.
export function MinuteBars({ values, label, height = 96 }: SparkProps) {
  const most = Math.max(1, ...values);
  const width = values.length * 10;
  return (
    <svg class="minutes" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none"
      role="img" aria-label={label} height={height}>
      {values.map((value, i) => {
        const tall = value === 0 ? 1 : Math.max(3, (value / most) * (height - 2));
        return <rect key={i} x={i * 10 + 1} width={8} y={height - tall} height={tall}
          class={i === values.length - 1 ? 'running' : value === 0 ? 'zero' : undefined} />;
      })}
    </svg>
  );
}

export const slo_ms = 1000;

interface Bin {
  label: string;
  count: number;
  late: boolean;
  /// Which of the quantiles lie here.
  marks: string;
}

/// The bin that holds a value, by its upper bounds.
function bin_of(bounds: number[], value: number | null): number {
  if (value === null) return -1;
  const at = bounds.findIndex((bound) => value <= bound);
  return at < 0 ? bounds.length : at;
}

/// The bins between the first and the last that hold something, with one beside each.
export function bins_of(freshness: Freshness): Bin[] {
  const { bounds_ms: bounds, counts } = freshness;
  const used = counts.map((count, i) => (count > 0 ? i : -1)).filter((i) => i >= 0);
  if (used.length === 0) return [];
  const slo = bounds.findIndex((bound) => bound >= slo_ms);
  const marked = [['p50', bin_of(bounds, freshness.p50_ms)],
    ['p99', bin_of(bounds, freshness.p99_ms)]] as const;
  const first = Math.max(0, used[0]! - 1);
  const last = Math.min(counts.length - 1, Math.max(used.at(-1)! + 1, slo));
  return counts.slice(first, last + 1).map((count, at) => {
    const i = first + at;
    const [low, high] = [i === 0 ? 0 : bounds[i - 1]!, bounds[i]];
    const label = high === undefined
      ? `over ${milliseconds(low)}`
      : `${milliseconds(low)} to ${milliseconds(high)}`;
    const marks = marked.filter(([, bin]) => bin === i).map(([name]) => name).join(', ');
    return { label, count, late: high === undefined || high > slo_ms, marks };
  });
}

export function Histogram({ freshness }: { freshness: Freshness }) {
  const bins = bins_of(freshness);
  const most = Math.max(1, ...bins.map((bin) => bin.count));
  const total = freshness.counts.reduce((sum, count) => sum + count, 0);
  return (
    <ol class="histogram" aria-label={`Time to visible of ${count_of(total, 'event')}`}>
      {bins.map((bin) => (
        <li key={bin.label} class={bin.late ? 'late' : undefined}>
          <span class="hist-label quiet">{bin.label}</span>
          <span class="hist-track" aria-hidden="true">
            <span class="hist-fill" hidden={bin.count === 0}
              style={{ width: `${(bin.count / most) * 100}%` }} />
          </span>
          <span class="hist-count">{number(bin.count)}</span>
          <span class="hist-marks">{bin.marks}</span>
        </li>
      ))}
    </ol>
  );
}
