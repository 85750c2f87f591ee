/// Ties the live stream to a screen: opens it for the screen's topics while it is shown.

import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { call, type Problem, type Summary, type System } from '../lib/api';
import { live, live_address } from '../lib/live';
import { Resource, use_resource } from '../lib/resource';
import { is_global_admin } from '../lib/session';
import { site_params, view } from '../lib/state';

/// Trouble with one topic, as the stream tells it.
export interface TopicTrouble {
  topic: string;
  status: number;
  detail: string;
  retry: boolean;
}

export interface StreamProps {
  topics: string[];
  params?: Record<string, string | null | undefined>;
  on(name: string, data: unknown): void;
  trouble?: (trouble: TopicTrouble) => void;
  /// Asked in place of the stream when it does not get through.
  poll?: () => Promise<void>;
}

async function ask_summary(): Promise<void> {
  const { range, tz } = view.value;
  await call<Summary>('/v1/stats/summary', { ...site_params(), range: range.name ?? 'live', tz });
}

/// The topic `system` is left out for who may not see it. Where nothing is left, another one
/// tells that the node is there, and nothing else.
export function use_stream(props: StreamProps): void {
  const latest = useRef(props);
  latest.current = props;
  const topics = props.topics.filter((one) => one !== 'system' || is_global_admin.value);
  const is_pulse = topics.length === 0;
  const params = is_pulse ? { range: 'live', tz: view.value.tz } : props.params;
  const url = live_address(is_pulse ? ['summary'] : topics,
    { ...(site_params() as Record<string, string | null>), ...params });
  useEffect(() => live.open(url, {
    on: (name, data) => {
      if (is_pulse) return;
      if (name === 'trouble') latest.current.trouble?.(data as TopicTrouble);
      else latest.current.on(name, data);
    },
    poll: () => (latest.current.poll ?? ask_summary)(),
  }), [url]);
}

export function problem_of_topic(trouble: TopicTrouble): Problem {
  return {
    type: 'urn:footfall:problem:stream', title: 'No news of this', status: trouble.status,
    detail: trouble.detail, retry: trouble.retry, retry_after: null,
  };
}

/// Each second of the system's counters since the page was opened; newest last.
export interface Sample {
  at: number;
  accepted: number;
  written: number;
  applied: number;
  waiting: number;
}

const samples_max = 300;
export const samples = signal<Sample[]>([]);
let samples_of = '';

export function remember_sample(system: System): void {
  // Another process counts from 0 again; its numbers are not compared with the old ones.
  if (samples_of !== system.started_at) samples.value = [];
  samples_of = system.started_at;
  const { written, applied, waiting } = system.ledger;
  if (written === null || applied === null || waiting === null) return;
  const sample = { at: Date.now(), accepted: system.events.accepted, written, applied, waiting };
  samples.value = [...samples.value.slice(-(samples_max - 1)), sample];
}

/// Events a second between each two samples.
export function rates(list: Sample[], of: 'accepted' | 'applied' | 'written'): number[] {
  const result: number[] = [];
  for (let i = 1; i < list.length; ++i) {
    const seconds = (list[i]!.at - list[i - 1]!.at) / 1000;
    if (seconds > 0) result.push(Math.max(0, (list[i]![of] - list[i - 1]![of]) / seconds));
  }
  return result;
}

/// The node's own state, for proof lines and the screens that show it; empty for who may
/// not see it.
export function use_system(): Resource<System> {
  return use_resource<System>(is_global_admin.value ? 'system' : '', async (signal) => {
    const system = await call<System>('/v1/system', {}, { signal });
    remember_sample(system);
    return system;
  });
}
