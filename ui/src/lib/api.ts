/// The HTTP contract of the query port, field by field, and the one way to call it.

import { share_base } from './share';

export type Source = 'cache' | 'actor' | 'store';

/// What every answer of /v1/stats carries: where it came from and how fresh it is.
export interface Answer {
  source: Source;
  as_of: string;
  position: string;
}

export interface RangeInfo {
  name: string | null;
  from: string;
  to: string;
  tz: string;
  step: Step;
}

export type Step = 'minute' | 'hour' | 'day' | 'week' | 'month';

export interface Counts {
  clicks: number;
}

export interface Summary extends Answer {
  range: RangeInfo;
  now: Counts;
  previous: { from: string; to: string } | null;
  before: Counts | null;
}

export interface Point {
  at: string;
  clicks: number;
}

export interface Series extends Answer {
  step: Step;
  range?: RangeInfo;
  from?: string;
  to?: string;
  points: Point[];
  before?: Point[] | null;
}

export interface TopPage {
  page_url: string;
  clicks: number;
  users: number | null;
}

export interface TopPages extends Answer {
  pages: TopPage[];
  more: boolean;
}

export interface ActivePage {
  page_url: string;
  visitors: number;
  clicks: number;
}

/// Who clicked in the last minutes.
export interface Active extends Answer {
  window_s: number;
  /// When the count began, while that is later than the window; else null.
  since: string | null;
  visitors: number;
  clicks: number;
  pages: ActivePage[];
  more: boolean;
}

export interface PageAnswer extends Answer {
  page_url: string;
  clicks: number;
  users: number;
  by_type: Record<string, number>;
  other_types: { clicks: number };
  last_60_minutes: number[];
  more: boolean;
}

export interface CountAnswer extends Answer {
  user_id: string;
  page_url: string;
  count: number;
}

export interface PageUser {
  user_id: string;
  clicks: number;
}

export interface PageUsers extends Answer {
  page_url: string;
  users: PageUser[];
  more: boolean;
}

export interface SystemPartition {
  n: number;
  phase: string;
  log_end: number;
  next: number;
  folded: number;
  lag: number;
  owner: string;
  /// Why it does not run; empty while it does.
  reason?: string;
}

export interface Freshness {
  bounds_ms: number[];
  counts: number[];
  p50_ms: number | null;
  p99_ms: number | null;
}

export interface System {
  version: string;
  node: string;
  started_at: string;
  uptime_s: number;
  ready: boolean;
  roles: Record<string, string>;
  dependencies: Record<string, string>;
  ledger: Ledger;
  partitions: SystemPartition[];
  freshness: Freshness;
  cache: { hits: number; misses: number };
  queries: Record<Source, number> & { failed?: number };
  events: EventCounts;
}

/// What the node did in each second, oldest first; null: it did not come to look.
export interface History {
  seconds: number;
  from: string | null;
  applied: (number | null)[];
  queries: Record<Source | 'failed', (number | null)[]>;
  freshness: { p50_ms: (number | null)[]; p99_ms: (number | null)[] };
}

/// Records of the log: written = applied + waiting. Null while the node cannot know it, as its
/// log or its store is away.
export interface Ledger {
  written: number | null;
  applied: number | null;
  waiting: number | null;
  /// In a cluster a node may know fewer partitions than there are.
  partitions?: number;
  partitions_in_all?: number;
}

/// Since the node started.
export interface EventCounts {
  accepted: number;
  duplicates: number;
  rejected: number;
  unknown?: number;
  bad?: number;
  id_conflicts?: number;
}

/// A partition as the operators' port tells it: with the reason why it stopped.
export interface AdminPartition {
  partition: number;
  state: string;
  stopped: string | null;
  reason: string | null;
  next_offset: number;
  folded_offset: number;
  log_first: number;
  log_end: number;
  lag: number;
}

export interface ActorRow {
  node?: string;
  id: number;
  parent: number | null;
  name: string;
  key: string;
  state: string;
  mailbox: number;
  processed: number;
  rate: number;
  restarts: number;
  last_error: string;
}

export interface ActorNode extends ActorRow {
  children: ActorNode[];
}

export interface ActorList {
  total: number;
  more: boolean;
  nodes?: { name: string; error?: string }[];
  actors?: ActorRow[];
  tree?: ActorNode[];
}

export interface ActorDetail extends ActorRow {
  fields: Record<string, unknown>;
}

export interface ClusterNode {
  self: boolean;
  name?: string;
  version?: string;
  state?: string;
  ready?: boolean;
  draining?: boolean;
  role_names?: string;
  roles?: Record<string, string>;
  partitions?: number[];
  address?: string;
  link?: string;
  link_fault?: string;
  log?: string;
}

export interface Cluster {
  nodes: ClusterNode[];
  unowned?: number[];
}

export interface ClickEvent {
  event_id?: string;
  user_id: string;
  event_type: string;
  page_url: string;
  time_stamp?: string;
}

export interface EventResult {
  status: 'accepted' | 'rejected' | 'unknown';
  event_id?: string;
  position?: string;
  warning?: string;
  code?: string;
  reason?: string;
  retry?: boolean;
}

export interface EventResults {
  accepted: number;
  rejected: number;
  results: EventResult[];
}

/// An error as the server words it (RFC 9457), or as we do when nobody answered.
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  retry: boolean;
  field?: string;
  results?: EventResult[];
  /// Seconds, from Retry-After; null when it was not told.
  retry_after: number | null;
}

export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

export type Params = Record<string, string | number | null | undefined>;

export interface CallOptions {
  patience_ms?: number;
  /// A position that the answer must include.
  after?: string | undefined;
  signal?: AbortSignal | undefined;
  method?: 'GET' | 'POST' | 'DELETE';
  body?: string;
}

const answer_timeout_ms = 10_000;

/// The address of a call; parameters that are empty are left out.
export function address(path: string, params: Params = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && value !== '') query.append(name, String(value));
  }
  const text = query.toString();
  return share_base + (text ? `${path}?${text}` : path);
}

let refused: () => Promise<boolean> = () => Promise.resolve(false);

/// Names what is asked when the server answers 401: true to call again.
export function when_refused(then: () => Promise<boolean>): void {
  refused = then;
}

/// Calls and returns what the server said; throws ApiError, or AbortError when `signal` fires.
export async function call<T>(path: string, params: Params = {}, options: CallOptions = {}) {
  for (;;) {
    try {
      return await call_once<T>(path, params, options);
    } catch (error) {
      const is_refused = error instanceof ApiError && error.problem.status === 401;
      if (!is_refused || path === '/v1/session' || !await refused()) throw error;
      options.signal?.throwIfAborted();
    }
  }
}

async function call_once<T>(path: string, params: Params, options: CallOptions) {
  const limit = AbortSignal.timeout(options.patience_ms ?? answer_timeout_ms);
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (options.after) headers['Footfall-After'] = options.after;
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  const request: RequestInit = { headers, signal, method: options.method ?? 'GET' };
  if (options.body !== undefined) request.body = options.body;
  let response: Response, text: string;
  try {
    response = await fetch(address(path, params), request);
    text = await response.text();
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(unreachable(limit.aborted));
  }
  // What changes something may answer without a word.
  const parsed = text === '' && request.method !== 'GET' ? null : parse(text);
  if (!response.ok) throw new ApiError(problem_of(response, parsed));
  if (parsed === undefined) throw new ApiError(unreadable(response.status));
  return parsed as T;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/// Reads Retry-After, which is seconds here; null when it is missing or something else.
export function retry_after(header: string | null): number | null {
  const seconds = header === null ? NaN : Number(header);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}

function problem_of(response: Response, parsed: unknown): Problem {
  const wait = retry_after(response.headers.get('Retry-After'));
  if (typeof parsed === 'object' && parsed !== null && 'detail' in parsed) {
    return { ...(parsed as Problem), retry_after: wait };
  }
  return {
    type: 'about:blank',
    title: response.statusText || 'Error',
    status: response.status,
    detail: `The server answered ${response.status} without saying why.`,
    retry: response.status >= 500 || response.status === 429,
    retry_after: wait,
  };
}

function unreachable(timed_out: boolean): Problem {
  return {
    type: 'urn:footfall:problem:no_answer',
    title: 'No answer',
    status: 0,
    detail: timed_out
      ? 'The server did not answer in time.'
      : 'The server does not answer. It may be restarting, or the network is down.',
    retry: true,
    retry_after: null,
  };
}

function unreadable(status: number): Problem {
  return {
    type: 'urn:footfall:problem:unreadable',
    title: 'Not readable',
    status,
    detail: 'The answer is not JSON; something between here and the server changed it.',
    retry: true,
    retry_after: null,
  };
}

/// The problem behind whatever a call threw.
export function problem_from(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  return { ...unreachable(false), detail: String(error) };
}
