/// What draws a chart over time. Large, so only screens with a chart fetch it, and when they do.

import uPlot from 'uplot';
import css from 'uplot/dist/uPlot.min.css?inline';
import type { Point, Step } from '../lib/api';
import { short_number, tick_label } from '../lib/format';
import { colour } from '../lib/theme';

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

/// A chart in its box, until `end` is called.
export interface Plot {
  set(props: ChartProps): void;
  /// Puts the cursor on a bucket.
  point(props: ChartProps, index: number): void;
  end(): void;
}

// Comes with the code that needs it: neither is there without the other.
const sheet = new CSSStyleSheet();
sheet.replaceSync(css);
document.adoptedStyleSheets.push(sheet);

export function draw_in(
  host: HTMLElement, props: ChartProps, on_cursor: (index: number | null) => void,
): Plot {
  const plot = new uPlot(options_of(props, host.clientWidth, on_cursor), rows_of(props), host);
  const resize = new ResizeObserver(() => {
    plot.setSize({ width: host.clientWidth, height: props.height });
  });
  resize.observe(host);
  return {
    set: (next) => plot.setData(rows_of(next)),
    point: (next, index) => {
      const left = plot.valToPos(Date.parse(next.points[index]!.at) / 1000, 'x');
      plot.setCursor({ left, top: 0 });
    },
    end: () => {
      resize.disconnect();
      plot.destroy();
    },
  };
}
