/// Wall clock and instants in a named zone, by the browser's own table.

export interface Wall {
  year: number;
  /// 1 to 12.
  month: number;
  day: number;
  hour: number;
  minute: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

export function wall_of(at: Date, tz: string): Wall {
  let format = formats.get(tz);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: tz, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric',
      hour: 'numeric', minute: 'numeric',
    });
    formats.set(tz, format);
  }
  const wall: Wall = { year: 0, month: 0, day: 0, hour: 0, minute: 0 };
  for (const part of format.formatToParts(at)) {
    if (part.type in wall) wall[part.type as keyof Wall] = Number(part.value);
  }
  return wall;
}

function as_utc(wall: Wall): number {
  return Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute);
}

/// The instant at which clocks in `tz` show `wall`; of a time that a clock change skips,
/// the instant just after the change. Fields may lie outside their bounds (day 0, month 13).
export function instant_of(wall: Wall, tz: string): Date {
  const wanted = as_utc(wall);
  let guess = wanted;
  for (let round = 0; round < 3; ++round) {
    const off = wanted - as_utc(wall_of(new Date(guess), tz));
    if (off === 0) return new Date(guess);
    guess += off;
  }
  return new Date(guess);
}

/// Whether a day begins in `tz` at this instant.
export function is_midnight(at: Date, tz: string): boolean {
  const wall = wall_of(at, tz);
  return wall.hour === 0 && wall.minute === 0;
}

/// The same wall time, `days` and `months` later.
export function shift_wall(at: Date, days: number, months: number, tz: string): Date {
  const wall = wall_of(at, tz);
  return instant_of({ ...wall, day: wall.day + days, month: wall.month + months }, tz);
}

/// All zones that the browser knows, UTC first.
export function all_zones(): string[] {
  const known = Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC');
  return ['UTC', ...known];
}

export function browser_zone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}
