// What the scripts of this folder share: where Footfall is, whose clicks they are, and a ledger
// of what was told about each of them. scripts/load sets the variables and reads the ledger.
import { sleep } from 'k6';
import http from 'k6/http';
import exec from 'k6/execution';
import { Counter } from 'k6/metrics';

export const INGEST = __ENV.INGEST || 'http://127.0.0.1:8080';
export const QUERY = __ENV.QUERY || 'http://127.0.0.1:8081';
export const GRPC = __ENV.GRPC || '127.0.0.1:50051';
export const SITE = __ENV.SITE || `load-${Date.now()}`;
export const DURATION = Number(__ENV.DURATION || 30); // seconds
const RATE = Number(__ENV.RATE || 1);
const FACTOR = Number(__ENV.FACTOR || 8);

/// The latency that docs/performance.md has as a target, times what a shared machine may add.
export const within = (ms) => `<${ms * FACTOR}`;
/// Starts in a second, times --rate.
export const rate = (a_second) => Math.max(1, Math.round(a_second * RATE));

// 1,500 pages, of which the n-th is asked for 1/n as often as the first; 100,000 users.
export const PAGES = 1500;
const USERS = 100000;
const below = [];
for (let n = 1, sum = 0; n <= PAGES; ++n) below.push((sum += 1 / n));

export const page = (n) => `https://example.com/page/${n}`;

export function zipf() {
  const x = Math.random() * below[PAGES - 1];
  let low = 0;
  let high = PAGES - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (below[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

// The ledger. Of the hottest pages each has a line of its own, the others share one.
export const HOT = 20;
const tried = new Counter('ledger_tried');
const accepted = new Counter('ledger_accepted');
const refused = new Counter('ledger_refused');
const lost = new Counter('ledger_unknown');
const hot = [];
for (let n = 0; n < HOT; ++n) hot.push(new Counter(`ledger_page_${n}`));

/// The thresholds that every script which posts has: nothing refused, nothing left open, and
/// the pace was kept.
export const ledger_thresholds = {
  ledger_refused: ['count==0'],
  ledger_unknown: ['count==0'],
  dropped_iterations: ['count==0'],
  checks: ['rate==1'],
};

function settle(events, count, status) {
  if (status !== 'accepted') {
    (status === 'rejected' ? refused : lost).add(count);
    return;
  }
  accepted.add(count);
  const by_page = {};
  for (const { n } of events) if (n < HOT) by_page[n] = (by_page[n] || 0) + 1;
  for (const n in by_page) hot[n].add(by_page[n]);
}

const shown = ({ event_id, user_id, page_url }) =>
  ({ event_id, user_id, event_type: 'click', page_url });

/// `count` clicks that nobody else makes.
export function clicks(count) {
  const { scenario } = exec;
  const out = [];
  for (let i = 0; i < count; ++i) {
    const n = zipf();
    out.push({
      n,
      event_id: `${scenario.name}-${scenario.iterationInTest}-${i}`,
      user_id: `user-${Math.floor(Math.random() * USERS)}`,
      page_url: page(n),
    });
  }
  return out;
}

/// Every 50th time.
export const now_and_then = () => exec.scenario.iterationInTest % 50 === 0;

/// Posts until it is known what became of them: with the same ids, so that nothing counts
/// twice. With `repeat` they are sent once more although they were accepted, as a client does
/// that missed the answer. @returns the answer that settled it.
export function post(path, events, tags, repeat) {
  const body = JSON.stringify(path === '/ingest' ? shown(events[0]) : events.map(shown));
  const send = (name) => http.post(`${INGEST}${path}?site=${SITE}`, body, { tags: { name } });
  tried.add(events.length);
  let answer = send(tags);
  for (let again = 0; again < 20 && (answer.status === 0 || answer.status === 429
       || answer.status >= 500); ++again) {
    sleep(0.05 * again);
    answer = send('retry');
  }
  if (answer.status === 0 || answer.status === 429 || answer.status >= 500)
    settle(events, events.length, 'unknown');
  else if (answer.status !== 200
           || (path !== '/ingest' && answer.json('accepted') !== events.length))
    settle(events, events.length, 'rejected');
  else settle(events, events.length, 'accepted');
  if (repeat) send('repeat');
  return answer;
}
