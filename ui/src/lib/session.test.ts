import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, call } from './api';
import {
  ask_session, is_global_admin, may_enter, parting, session, settling_ms, sign_in, sign_out,
  use_clock,
} from './session';

const ada = { asks: true, signed_in: true, name: 'ada', role: 'admin', site: '*',
  is_global_admin: true };
const nobody = { asks: true, signed_in: false };
const refusal = { type: 'urn:footfall:problem:key_needed', status: 401, detail: 'A key.' };

/// A node with one address beside the session; a test says what it answers.
class Node {
  time = 0;
  told: object = nobody;
  status = 200;
  asked: string[] = [];
  /// Until then it does not know who signed in.
  knows_at = 0;

  answer = async (url: string, request: RequestInit) => {
    this.asked.push(`${request.method} ${url}`);
    const json = (status: number, body: object) =>
      new Response(JSON.stringify(body), { status });
    const known = this.time >= this.knows_at;
    if (url !== '/v1/session') {
      const open = 'signed_in' in this.told && this.told.signed_in && known;
      return open ? json(200, { fine: true }) : json(401, refusal);
    }
    if (request.method === 'DELETE') return new Response(null, { status: 204 });
    if (this.status !== 200) return json(this.status, { ...refusal, status: this.status });
    return json(200, request.method === 'GET' && !known ? nobody : this.told);
  };
}

let node: Node;

beforeEach(() => {
  node = new Node();
  vi.stubGlobal('fetch', node.answer);
  use_clock({ now: () => node.time, wait: async (ms) => { node.time += ms; } });
  session.value = null;
  parting.value = '';
});

afterEach(() => {
  vi.unstubAllGlobals();
  use_clock(null);
});

describe('session', () => {
  it('lets everybody in where the node asks nobody, and where it is too old to ask', async () => {
    node.told = { asks: false };
    await ask_session();
    expect([may_enter.value, is_global_admin.value]).toEqual([true, true]);
    session.value = null;
    node.status = 404;
    await ask_session();
    expect(may_enter.value).toBe(true);
  });

  it('lets nobody in before somebody has signed in', async () => {
    await ask_session();
    expect(may_enter.value).toBe(false);
    node.told = ada;
    await sign_in('ada', 'secret');
    expect([may_enter.value, is_global_admin.value]).toEqual([true, true]);
    expect(await sign_out()).toBe(null);
    expect([may_enter.value, parting.value]).toEqual([false, 'signed_out']);
  });

  it('hides what is for admins of all sites from others', async () => {
    node.told = { ...ada, role: 'admin', site: 'shop', is_global_admin: false };
    await ask_session();
    expect([may_enter.value, is_global_admin.value]).toEqual([true, false]);
  });

  it('keeps a refused sign-in on the screen, and asks nothing for it', async () => {
    await ask_session();
    node.status = 401;
    await expect(sign_in('ada', 'wrong')).rejects.toThrow(ApiError);
    expect(node.asked).toEqual(['GET /v1/session', 'POST /v1/session']);
  });

  it('ends when an answer is 401 and the node knows nobody', async () => {
    session.value = ada as never;
    await expect(call('/v1/stats/summary')).rejects.toThrow(ApiError);
    expect([may_enter.value, parting.value]).toEqual([false, 'ended']);
  });

  it('waits for a node that does not know of the sign-in yet', async () => {
    node.told = ada;
    node.knows_at = 3000;
    await sign_in('ada', 'secret');
    await ask_session();
    expect(await call('/v1/stats/summary')).toEqual({ fine: true });
    expect(may_enter.value).toBe(true);
  });

  it('does not wait for ever', async () => {
    node.told = ada;
    node.knows_at = 3_600_000;
    await sign_in('ada', 'secret');
    await expect(call('/v1/stats/summary')).rejects.toThrow(ApiError);
    expect(may_enter.value).toBe(false);
    expect(node.time).toBeLessThan(settling_ms + 1000);
  });

  it('keeps what it knew while nobody answers', async () => {
    session.value = ada as never;
    node.status = 503;
    await ask_session();
    expect(may_enter.value).toBe(true);
  });
});
