/// People who sign in here: what they may see, their passwords, and taking them out.

import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import {
  add_user, remove_user, set_password, type SiteRow, type UserRole, type UserRow,
} from '../lib/access';
import { count_of, visible } from '../lib/format';
import type { Resource } from '../lib/resource';
import { ask_session, session } from '../lib/session';
import { use_action } from '../widgets/action';
import { Foreign } from '../widgets/bits';
import {
  Confirm, Day, Form, Row, Section, SiteField, SiteName, type Tell, text_of,
} from '../widgets/settings';

interface PeopleProps {
  people: Resource<{ users: UserRow[] }>;
  sites: SiteRow[];
}

export function People({ people, sites }: PeopleProps) {
  return (
    <Section title="People" res={people} add="Add a person" changed={() => void people.load()}
      form={(close, tell) => <PersonForm sites={sites} close={close} tell={tell} />}>
      {(data, tell) => <ul class="rows" aria-label="People">
        {data.users.map((row) => <OnePerson key={row.name} row={row} tell={tell} />)}
      </ul>}
    </Section>
  );
}

interface PersonFormProps {
  sites: SiteRow[];
  close(): void;
  tell: Tell;
}

function PersonForm({ sites, close, tell }: PersonFormProps) {
  const action = use_action();
  return (
    <Form label="Add a person" submit="Add person" action={action} close={close}
      run={async (fields) => {
        const name = text_of(fields, 'name');
        await add_user({ name, password: text_of(fields, 'password'),
          role: text_of(fields, 'role') as UserRole, site: text_of(fields, 'site') });
        tell(`${visible(name)} can sign in now.`);
      }}>
      <label class="field"><span>Name <span class="quiet">to sign in with</span></span>
        <input name="name" required maxLength={64} autocomplete="off" autocapitalize="none"
          spellcheck={false} />
      </label>
      <NewPassword />
      <label class="field"><span>Role</span>
        <select name="role">
          <option value="viewer">viewer: sees the numbers</option>
          <option value="admin">admin: of all sites, also this screen</option>
        </select>
      </label>
      <SiteField sites={sites} hint="whose numbers are shown" />
    </Form>
  );
}

function NewPassword() {
  return (
    <label class="field"><span>Password <span class="quiet">12 characters or more</span></span>
      <input name="password" type="password" required maxLength={1024}
        autocomplete="new-password" />
    </label>
  );
}

type Opened = '' | 'password' | 'remove';

function OnePerson({ row, tell }: { row: UserRow; tell: Tell }) {
  const opened = useSignal<Opened>('');
  const buttons = { password: useRef<HTMLButtonElement>(null),
    remove: useRef<HTMLButtonElement>(null) };
  const self = session.value?.name === row.name;
  const name = visible(row.name);
  const close = () => {
    const last = opened.value;
    opened.value = '';
    if (last) buttons[last].current?.focus();
  };
  const done = async (words: string) => {
    opened.value = '';
    // Who changed their own account may have ended this session with it.
    if (self) await ask_session();
    tell(words);
  };
  const button = (of: 'password' | 'remove', text: string, label: string) => (
    <button type="button" class="link" ref={buttons[of]} aria-label={label}
      aria-expanded={opened.value === of} onClick={() => {
        opened.value = opened.value === of ? '' : of;
      }}>{text}</button>
  );
  return (
    <Row cells={[
      <><b><Foreign text={row.name} /></b>{self && <span class="quiet"> you</span>}</>,
      <>{row.role} of <SiteName site={row.site} /></>,
      <span class="quiet">added <Day at={row.created_at} />,{' '}
        {row.sessions ? `signed in at ${count_of(row.sessions, 'place')}` : 'not signed in'}
      </span>,
    ]} actions={<>
      {button('password', 'Password', `New password for ${name}`)}
      {button('remove', 'Remove', `Remove ${name}`)}
    </>}>
      {opened.value === 'password'
        ? <PasswordForm name={row.name} self={self} close={close}
          done={() => done(`${name} has a new password.`)} />
        : opened.value && <Removal row={row} self={self} close={close}
          done={() => done(`${name} is removed.`)} />}
    </Row>
  );
}

interface RemovalProps {
  row: UserRow;
  self: boolean;
  close(): void;
  done(): Promise<void>;
}

function Removal({ row, self, close, done }: RemovalProps) {
  const name = visible(row.name);
  return <Confirm does={`Remove ${name}`} keep="Keep the account" close={close}
    question={self ? `Remove ${name}? This is you: you are signed out at once.`
      : `Remove ${name}? The account is gone, and all its sessions end.`}
    run={async () => {
      await remove_user(row.name);
      await done();
    }} />;
}

interface PasswordProps {
  name: string;
  self: boolean;
  close(): void;
  done(): Promise<void>;
}

function PasswordForm({ name, self, close, done }: PasswordProps) {
  const action = use_action();
  return (
    <div onKeyDown={(event) => { if (event.key === 'Escape') close(); }}>
      <p>{self ? 'You sign in again with it, here and wherever else you are signed in.'
        : `All sessions of ${visible(name)} end.`}</p>
      <Form label={`New password for ${visible(name)}`} submit="Set password" action={action}
        close={close} run={async (fields) => {
          await set_password(name, text_of(fields, 'password'));
          await done();
        }}>
        <input hidden name="username" autocomplete="username" value={name} readOnly />
        <NewPassword />
      </Form>
    </div>
  );
}
