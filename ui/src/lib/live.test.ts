import { beforeEach, describe, expect, it } from 'vitest';
import { backoff_ms, LiveStream, live_address, poll_ms, stale_ms, type Source } from './live';

interface Timer {
  at: number;
  then(): void;
}

/// A browser whose time only moves when a test moves it.
class World {
  time = 1_000_000;
  hidden = false;
  poll_works = true;
  polls = 0;
  refusals = 0;
  told: string[] = [];
  sources: FakeSource[] = [];
  timers = new Set<Timer>();
  stream = new LiveStream({
    open: () => {
      const source = new FakeSource();
      this.sources.push(source);
      return source;
    },
    now: () => this.time,
    after: (ms, then) => {
      const timer = { at: this.time + ms, then };
      this.timers.add(timer);
      return timer;
    },
    cancel: (timer) => this.timers.delete(timer as Timer),
    random: () => 0.5,
    hidden: () => this.hidden,
    refused: () => { this.refusals += 1; },
  });

  get source(): FakeSource {
    return this.sources.at(-1)!;
  }

  get state(): string {
    return this.stream.state.value;
  }

  open(): () => void {
    return this.stream.open('/v1/live?topic=system', {
      on: (name) => this.told.push(name),
      poll: () => {
        this.polls += 1;
        return this.poll_works ? Promise.resolve() : Promise.reject(new Error('away'));
      },
    });
  }

  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      const due = [...this.timers].filter((timer) => timer.at <= end)
        .sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.time = due.at;
      this.timers.delete(due);
      due.then();
      await Promise.resolve();
    }
    this.time = end;
    await new Promise((done) => setTimeout(done));
  }
}

class FakeSource implements Source {
  readyState = 0;
  onerror: ((event: Event) => void) | null = null;
  private handlers = new Map<string, (event: MessageEvent<string>) => void>();

  addEventListener(name: string, handler: (event: MessageEvent<string>) => void): void {
    this.handlers.set(name, handler);
  }

  close(): void {
    this.readyState = 2;
  }

  say(name: string, data: unknown = {}): void {
    this.readyState = 1;
    this.handlers.get(name)?.({ data: JSON.stringify(data) } as MessageEvent<string>);
  }

  fail(ended: boolean): void {
    this.readyState = ended ? 2 : 0;
    this.onerror?.(new Event('error'));
  }
}

let world: World;
beforeEach(() => {
  world = new World();
});

describe('the live stream', () => {
  it('is live from its first word and hands on what topics say', () => {
    world.open();
    expect(world.state).toBe('connecting');
    world.source.say('hello', { node: 'n1' });
    world.source.say('system', {});
    world.source.say('beat', {});
    expect(world.state).toBe('live');
    expect(world.stream.node.value).toBe('n1');
    expect(world.told).toEqual(['hello', 'system']);
  });

  it('is stale after 12 s of silence, whatever the socket says', async () => {
    world.open();
    world.source.say('hello');
    await world.advance(stale_ms - 1);
    expect(world.state).toBe('live');
    await world.advance(1);
    expect(world.state).toBe('lost');
    await world.advance(500);
    expect(world.sources).toHaveLength(2);
    world.source.say('hello');
    expect(world.state).toBe('live');
  });

  it('leaves the first retry to the browser, which sends Last-Event-ID', async () => {
    world.open();
    world.source.say('hello');
    world.source.fail(false);
    expect(world.state).toBe('lost');
    await world.advance(5000);
    expect(world.sources).toHaveLength(1);
    world.source.say('hello');
    expect(world.state).toBe('live');
  });

  it('polls after three failed tries, says so, and goes on trying', async () => {
    world.open();
    for (let i = 0; i < 3; ++i) {
      world.source.fail(true);
      if (i < 2) await world.advance(backoff_ms(i + 1, 0.5));
    }
    await world.advance(0);
    expect(world.polls).toBe(1);
    expect(world.state).toBe('polling');
    const before = world.sources.length;
    world.source.fail(true);
    await world.advance(poll_ms);
    expect(world.polls).toBe(2);
    expect(world.sources.length).toBeGreaterThan(before);
    world.source.say('hello');
    expect(world.state).toBe('live');
    await world.advance(stale_ms - 1);
    expect(world.polls).toBe(2);
  });

  it('is lost, not polling, while questions fail as well', async () => {
    world.poll_works = false;
    world.open();
    for (let i = 0; i < 5; ++i) {
      world.source.fail(true);
      await world.advance(backoff_ms(i + 1, 0.5));
    }
    expect(world.polls).toBeGreaterThan(0);
    expect(world.state).toBe('lost');
  });

  it('tries at once when a question is answered again', async () => {
    world.poll_works = false;
    world.open();
    for (let i = 0; i < 8; ++i) {
      world.source.fail(true);
      await world.advance(backoff_ms(i + 1, 0.5));
    }
    world.source.fail(true);
    const before = world.sources.length;
    world.poll_works = true;
    await world.advance(poll_ms);
    expect(world.sources.length).toBeGreaterThan(before);
  });

  it('closes in a hidden tab and opens again when it is shown', () => {
    world.open();
    world.source.say('hello');
    world.hidden = true;
    world.stream.visibility_changed();
    expect(world.source.readyState).toBe(2);
    expect(world.state).toBe('hidden');
    world.hidden = false;
    world.stream.visibility_changed();
    expect(world.sources).toHaveLength(2);
    expect(world.state).toBe('connecting');
  });

  it('stands still while it is paused', async () => {
    world.open();
    world.source.say('hello');
    world.stream.set_paused(true);
    await world.advance(60_000);
    expect(world.state).toBe('paused');
    expect(world.sources).toHaveLength(1);
    world.stream.set_paused(false);
    expect(world.sources).toHaveLength(2);
  });

  it('comes back when the server said when', async () => {
    world.open();
    world.source.say('hello');
    world.source.say('bye', { retry_ms: 2000 });
    expect(world.state).toBe('lost');
    await world.advance(1999);
    expect(world.sources).toHaveLength(1);
    await world.advance(1);
    expect(world.sources).toHaveLength(2);
  });

  it('tells when the server refuses it, and not when nobody answers', () => {
    world.open();
    world.source.fail(false);
    expect(world.refusals).toBe(0);
    world.source.fail(true);
    expect(world.refusals).toBe(1);
  });

  it('belongs to the screen that opened it last', () => {
    const end_first = world.open();
    world.open();
    end_first();
    expect(world.state).not.toBe('off');
    expect(world.sources[0]!.readyState).toBe(2);
  });
});

it('waits longer and longer, within bounds, and never in step', () => {
  for (let failures = 1; failures < 30; ++failures) {
    for (const random of [0, 0.5, 0.999]) {
      const wait = backoff_ms(failures, random);
      expect(wait).toBeGreaterThanOrEqual(250);
      expect(wait).toBeLessThanOrEqual(15_000);
    }
  }
  expect(backoff_ms(1, 0.999)).toBeLessThanOrEqual(500);
  expect(backoff_ms(20, 0)).not.toBe(backoff_ms(20, 0.9));
});

it('writes topics as parameters that repeat', () => {
  expect(live_address(['page:https://a/?b=1&c', 'system'], { tz: 'UTC', site: null })).toBe(
    '/v1/live?topic=page%3Ahttps%3A%2F%2Fa%2F%3Fb%3D1%26c&topic=system&tz=UTC');
});
