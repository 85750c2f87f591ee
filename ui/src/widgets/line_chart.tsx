/// Clicks over time, with the period before as a thin dashed line.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Point, Step } from '../lib/api';
import { bucket_label, count_of, number, short_number, tick_label } from '../lib/format';
import { colour, colours_version } from '../lib/theme';

export interface ChartProps {
  points: Point[];
  before: Point[] | null;
  step: Step;
  tz: string;
  /// Whether the last bucket is still filling.
  running: boolean;
  label: string;
  height: number;
}

type Values = (number | null)[];

/// Whole buckets as a line; the running one is joined to it by a dotted piece.
function rows_of(props: ChartProps): [number[], Values, Values, Values] {
  const count = props.points.length;
  const x = props.points.map((point) => Date.parse(point.at) / 1000);
  const clicks = props.points.map((point) => point.clicks);
  const whole: Values = props.running ? clicks.map((c, i) => (i < count - 1 ? c : null)) : clicks;
  const tail: Values = clicks.map((c, i) => (props.running && i >= count - 2 ? c : null));
  const before: Values = x.map((_, i) => props.before?.[i]?.clicks ?? null);
  return [x, whole, tail, before];
}

// Clicks are whole, so the axis has no fractions.
const whole_steps = [1, 2, 5];
for (let ten = 10; ten <= 1e12; ten *= 10) {
  whole_steps.push(ten, 2 * ten, 2.5 * ten, 5 * ten);
}

/// Which buckets get a name on the axis: evenly, and as many as there is room for.
export function named_buckets(count: number, width: number, room: number): number[] {
  const most = Math.max(2, Math.floor(width / room));
  const strides = [1, 2, 3, 5, 6, 7, 10, 12, 15, 20, 30, 60];
  const stride = strides.find((s) => count / s <= most) ?? Math.ceil(count / most);
  const named: number[] = [];
  for (let i = (count - 1) % stride; i < count; i += stride) named.push(i);
  return named;
}

function options_of(
  props: ChartProps, width: number, on_cursor: (index: number | null) => void,
): uPlot.Options {
  const [ink, line, accent] = [colour('--quiet'), colour('--line'), colour('--accent')];
  const font = `14px ${getComputedStyle(document.body).fontFamily}`;
  const x = props.points.map((point) => Date.parse(point.at) / 1000);
  const axis = { stroke: ink, font, ticks: { show: false }, border: { show: false } };
  const room = props.step === 'minute' || props.step === 'hour' ? 72 : 84;
  return {
    width, height: props.height, legend: { show: false }, padding: [8, 28, 0, 0],
    scales: {
      x: { time: false },
      y: { range: (_u, _low, high) => [0, Math.max(4, high * 1.08)] },
    },
    cursor: {
      y: false, drag: { x: false, y: false },
      points: { size: 8, stroke: accent, fill: colour('--page'), width: 2 },
    },
    hooks: { setCursor: [(u) => on_cursor(u.cursor.idx ?? null)] },
    axes: [
      {
        ...axis, grid: { show: false }, gap: 6, size: 32,
        splits: (u) => named_buckets(x.length, u.bbox.width / devicePixelRatio, room)
          .map((i) => x[i]!),
        values: (_u, ticks) =>
          ticks.map((t) => tick_label(new Date(t * 1000), props.step, props.tz)),
      },
      {
        ...axis, grid: { stroke: line, width: 1 }, gap: 8, space: 44,
        incrs: whole_steps,
        values: (_u, ticks) => ticks.map(short_number),
        size: (_u, texts) => 14 + 8 * Math.max(1, ...(texts ?? []).map((text) => text.length)),
      },
    ],
    series: [
      {},
      { stroke: accent, width: 2, fill: colour('--area'), points: { show: x.length < 3 } },
      { stroke: accent, width: 2, dash: [2, 4], fill: colour('--area'), points: { show: false } },
      { stroke: ink, width: 1, dash: [5, 4], points: { show: false } },
    ],
  };
}

export function LineChart(props: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const cursor = useSignal<number | null>(null);
  const shape = [props.step, props.tz, props.height, colours_version.value, props.points.length,
    props.points[0]?.at].join();
  useEffect(() => {
    const host = box.current!;
    const draw = new uPlot(options_of(props, host.clientWidth, (index) => {
      cursor.value = index;
    }), rows_of(props), host);
    plot.current = draw;
    const resize = new ResizeObserver(() => {
      draw.setSize({ width: host.clientWidth, height: props.height });
    });
    resize.observe(host);
    return () => {
      resize.disconnect();
      draw.destroy();
      plot.current = null;
    };
  }, [shape]);
  useEffect(() => plot.current?.setData(rows_of(props)), [props.points, props.before]);
  const move = (index: number) => {
    const draw = plot.current;
    const at = Math.min(props.points.length - 1, Math.max(0, index));
    if (!draw) return;
    const left = draw.valToPos(Date.parse(props.points[at]!.at) / 1000, 'x');
    draw.setCursor({ left, top: 0 });
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
  const steps: Record<string, number> = {
    ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last, PageUp: at - 10, PageDown: at + 10,
  };
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-sentence quiet">{sentence(props)}</span>
        <span class="chart-point">{cursor === null ? '' : point_text(props, at)}</span>
      </figcaption>
      <div class="chart-box" ref={box} tabIndex={0} role="slider" aria-label={props.label}
        aria-valuemin={0} aria-valuemax={last} aria-valuenow={at}
        aria-valuetext={point_text(props, at)}
        style={{ minHeight: `${props.height}px` }}
        onKeyDown={(event) => {
          const next = steps[event.key];
          if (next === undefined) return;
          event.preventDefault();
          move(next);
        }} />
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
