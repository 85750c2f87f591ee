/// Clicks over time, with the period before as a thin dashed line.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Point } from '../lib/api';
import { bucket_label, count_of, number } from '../lib/format';
import { colours_version } from '../lib/theme';
import { later, NotFetched } from './lazy';
import type { ChartProps, Plot } from './plot';
import { use_late } from './widget';

const drawing = later(() => import('./plot').then((of) => of.draw_in));

/// Fetches what draws while the numbers are still asked for; of each screen with a chart.
export function use_charts(): void {
  useEffect(() => drawing.load(), []);
}

export function LineChart(props: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const cursor = useSignal<number | null>(null);
  const shape = [props.step, props.tz, props.height, colours_version.value, props.points.length,
    props.points[0]?.at].join();
  const draw_in = drawing.part.value;
  useEffect(() => {
    if (!draw_in || !box.current) return;
    const drawn = draw_in(box.current, props, (index) => {
      cursor.value = index;
    });
    plot.current = drawn;
    return () => {
      drawn.end();
      plot.current = null;
    };
  }, [shape, draw_in]);
  useEffect(() => plot.current?.set(props), [props.points, props.before]);
  const move = (index: number) => {
    const at = Math.min(props.points.length - 1, Math.max(0, index));
    plot.current?.point(props, at);
    cursor.value = at;
  };
  return <ChartFrame props={props} box={box} cursor={cursor.value} move={move} />;
}

interface FrameProps {
  props: ChartProps;
  box: { current: HTMLDivElement | null };
  cursor: number | null;
  move(index: number): void;
}

function ChartFrame({ props, box, cursor, move }: FrameProps) {
  const last = props.points.length - 1;
  const at = Math.min(cursor ?? last, last);
  const late = use_late() && drawing.part.value === null;
  const steps: Record<string, number> = {
    ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last, PageUp: at - 10, PageDown: at + 10,
  };
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-sentence quiet">{sentence(props)}</span>
        <span class="chart-point">{cursor === null ? '' : point_text(props, at)}</span>
      </figcaption>
      {drawing.failed.value
        ? <div class="chart-box" style={{ minHeight: `${props.height}px` }}>
          <NotFetched what="chart" load={drawing.load} />
        </div>
        : <div class={`chart-box ${late ? 'skeleton' : ''}`} ref={box} tabIndex={0} role="slider"
          aria-label={props.label} aria-valuemin={0} aria-valuemax={last} aria-valuenow={at}
          aria-valuetext={point_text(props, at)}
          style={{ minHeight: `${props.height}px` }}
          onKeyDown={(event) => {
            const next = steps[event.key];
            if (next === undefined) return;
            event.preventDefault();
            move(next);
          }} />}
    </figure>
  );
}

function point_text(props: ChartProps, index: number): string {
  const point = props.points[index];
  if (!point) return '';
  const before = props.before?.[index];
  const name = bucket_label(new Date(point.at), props.step, props.tz);
  const running = props.running && index === props.points.length - 1 ? ' so far' : '';
  const past = before ? `, ${number(before.clicks)} before` : '';
  return `${name}: ${count_of(point.clicks, 'click')}${running}${past}`;
}

/// The chart in words: sum, peak, now.
export function sentence(props: ChartProps): string {
  const sum = props.points.reduce((total, point) => total + point.clicks, 0);
  const peak = props.points.reduce<Point | null>(
    (best, point) => (best === null || point.clicks > best.clicks ? point : best), null,
  );
  if (!peak || sum === 0) return 'No clicks in this range.';
  const at = bucket_label(new Date(peak.at), props.step, props.tz);
  const latest = props.points.at(-1)!;
  const end = props.running ? ` This ${props.step} so far: ${number(latest.clicks)}.` : '';
  return `${count_of(sum, 'click')}, most ${number(peak.clicks)} (${at}).${end}`;
}
