/// Keys of programs: made here, shown once, revoked here.

import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import {
  type KeyRole, type KeyRow, type MadeKey, make_key, type NewKey, revoke_key, type SiteRow,
} from '../lib/access';
import { count_of, number, visible } from '../lib/format';
import type { Resource } from '../lib/resource';
import { use_action } from '../widgets/action';
import { Foreign } from '../widgets/bits';
import {
  Confirm, Day, Form, Row, Section, ShownOnce, SiteField, SiteName, type Tell, text_of,
} from '../widgets/settings';

const roles: Record<Exclude<KeyRole, 'share' | 'counter'>, string> = {
  ingest: 'ingest: sends events',
  read: 'read: asks for numbers',
  admin: 'admin: both; of all sites, everything',
};

export interface KeysProps {
  keys: Resource<{ keys: KeyRow[] }>;
  sites: SiteRow[];
  changed(): void;
}

export function Keys({ keys, sites, changed }: KeysProps) {
  const made = useSignal<MadeKey | null>(null);
  return (
    <Section title="Keys" res={keys} add="New key" changed={changed}
      form={(close, tell) => <KeyForm sites={sites} close={close} made={(key) => {
        tell('');
        made.value = key;
      }} />}>
      {(data, tell) => <>
        {made.value && <ShownOnce key={made.value.row.id} name="key" text={made.value.key}
          close={() => {
            made.value = null;
            tell('');
          }}>The node keeps only what it needs to know the key again.</ShownOnce>}
        <KeyList keys={data.keys.filter((key) => key.role in roles)} tell={tell} />
      </>}
    </Section>
  );
}

interface KeyFormProps {
  sites: SiteRow[];
  close(): void;
  made(key: MadeKey): void;
}

function new_key(fields: FormData): NewKey {
  const key: NewKey = { site: text_of(fields, 'site'), role: text_of(fields, 'role') as KeyRole };
  const name = text_of(fields, 'name').trim();
  const rate = Number(text_of(fields, 'rate'));
  const days = Number(text_of(fields, 'days'));
  if (name) key.name = name;
  if (rate) key.rate = rate;
  if (days) key.days = days;
  return key;
}

function KeyForm({ sites, close, made }: KeyFormProps) {
  const action = use_action();
  return (
    <Form label="New key" submit="Make key" action={action} close={close}
      run={async (fields) => made(await make_key(new_key(fields)))}>
      <label class="field"><span>Name <span class="quiet">for people; may be empty</span></span>
        <input name="name" maxLength={64} autocomplete="off" />
      </label>
      <SiteField sites={sites} hint="the key is for" />
      <label class="field"><span>Role</span>
        <select name="role">
          {Object.entries(roles).map(([role, text]) =>
            <option key={role} value={role}>{text}</option>)}
        </select>
      </label>
      <label class="field"><span>Most a second <span class="quiet">empty: as usual</span></span>
        <input name="rate" type="number" min={1} step={1} autocomplete="off" />
      </label>
      <label class="field"><span>Days <span class="quiet">empty: until revoked</span></span>
        <input name="days" type="number" min={1} step={1} autocomplete="off" />
      </label>
    </Form>
  );
}

function KeyList({ keys, tell }: { keys: KeyRow[]; tell: Tell }) {
  const all = useSignal(false);
  const active = keys.filter((key) => key.state === 'active');
  const ended = keys.filter((key) => key.state !== 'active');
  const shown = all.value ? [...active, ...ended] : active;
  return (
    <>
      {active.length === 0 && <p class="quiet">No key is active: no program can send events
        or ask for numbers.</p>}
      {shown.length > 0 && <ul class="rows" aria-label="Keys">
        {shown.map((key) => <OneKey key={key.id} row={key} tell={tell} />)}
      </ul>}
      {ended.length > 0 && <button type="button" class="link more" aria-expanded={all.value}
        onClick={() => { all.value = !all.value; }}>
        {all.value ? 'Only active keys'
          : `Show ${count_of(ended.length, 'revoked or expired key')}`}</button>}
    </>
  );
}

function OneKey({ row, tell }: { row: KeyRow; tell: Tell }) {
  return (
    <EndableRow row={row} what="Key" tell={tell} does="Revoke" sure="Revoke it" done="revoked"
      question={(title) => `Revoke ${title}? Whoever uses it is refused`} cells={[
        <><b><Foreign text={row.name || row.id} /></b>
          {row.name && <> <code class="quiet">{visible(row.id)}</code></>}</>,
        <>{row.role} of <SiteName site={row.site} />
          {row.rate > 0 && <span class="quiet">, {number(row.rate)} a second</span>}</>,
      ]} />
  );
}

export function KeyDates({ row }: { row: KeyRow }) {
  return (
    <span class="quiet">
      made <Day at={row.created_at} />
      {row.used_on ? <>, used <Day at={row.used_on} /></> : ', not used yet'}
      {row.revoked_at ? <>, revoked <Day at={row.revoked_at} /></>
        : row.expires_at && <>, {row.state === 'expired' ? 'expired' : 'expires'}{' '}
          <Day at={row.expires_at} /></>}
    </span>
  );
}

interface EndableRowProps {
  row: KeyRow;
  what: string;
  tell: Tell;
  /// What the button says, what the one behind the question, and what the row is then.
  does: string;
  sure: string;
  done: string;
  /// With what holds within 5 seconds.
  question(title: string): string;
  cells: ComponentChildren[];
}

/// What lets others in, until somebody ends it here, for good.
export function EndableRow(props: EndableRowProps) {
  const { row, what, tell, does, sure, done, question, cells } = props;
  const asking = useSignal(false);
  const button = useRef<HTMLButtonElement>(null);
  const title = row.name ? `${visible(row.name)} (${row.id})` : row.id;
  const close = () => {
    asking.value = false;
    button.current?.focus();
  };
  const end = async () => {
    const { stored } = await revoke_key(row.id);
    asking.value = false;
    tell(`${what} ${title} is ${done}.${stored ? ''
      : ' The database is away, and is told when it is back.'}`);
  };
  return (
    <Row cells={[...cells, <KeyDates row={row} />]} actions={row.state === 'active'
      ? <button type="button" class="link" ref={button} aria-expanded={asking.value}
        aria-label={`${does} ${title}`} onClick={() => { asking.value = true; }}>{does}</button>
      : <span class="quiet">{row.state}</span>}>
      {asking.value && <Confirm question={`${question(title)} within 5 seconds, and it cannot be
        brought back.`} does={sure} keep="Keep it"
        run={end} close={close} />}
    </Row>
  );
}

interface TakeBackRowProps {
  row: KeyRow;
  what: string;
  tell: Tell;
  /// What holds within 5 seconds.
  lost: string;
  cells: ComponentChildren[];
}

/// What shows numbers to others, until it is taken back.
export function TakeBackRow({ lost, ...row }: TakeBackRowProps) {
  return <EndableRow {...row} does="Take back" sure="Take it back" done="taken back"
    question={(title) => `Take ${title} back? ${lost}`} />;
}
