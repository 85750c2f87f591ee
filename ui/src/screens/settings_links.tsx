/// Links that show a site's numbers to whoever has them: made here, shown once, taken back here.

import { useSignal } from '@preact/signals';
import {
  type KeyRow, type MadeKey, make_key, type NewKey, type SiteRow,
} from '../lib/access';
import { visible } from '../lib/format';
import { use_action } from '../widgets/action';
import { Foreign } from '../widgets/bits';
import { Form, Section, ShownOnce, SiteField, type Tell, text_of } from '../widgets/settings';
import { type KeysProps, TakeBackRow } from './settings_keys';

export function Links({ keys, sites, changed }: KeysProps) {
  const made = useSignal<MadeKey | null>(null);
  return (
    <Section title="Share links" res={keys} add="New link" changed={changed}
      form={(close, tell) => <LinkForm sites={sites} close={close} made={(link) => {
        tell('');
        made.value = link;
      }} />}>
      {(data, tell) => <>
        {made.value && <ShownOnce key={made.value.row.id} name="link"
          text={`${window.location.origin}/s/${made.value.key}`} close={() => {
            made.value = null;
            tell('');
          }}>Whoever has it sees the counts and pages of {visible(made.value.row.site)}, live, and
          no user.</ShownOnce>}
        <LinkList links={data.keys.filter((key) =>
          key.role === 'share' && key.state === 'active')} tell={tell} />
      </>}
    </Section>
  );
}

interface LinkFormProps {
  sites: SiteRow[];
  close(): void;
  made(link: MadeKey): void;
}

function new_link(fields: FormData): NewKey {
  const link: NewKey = { site: text_of(fields, 'site'), role: 'share' };
  const name = text_of(fields, 'name').trim();
  const days = Number(text_of(fields, 'days'));
  if (name) link.name = name;
  if (days) link.days = days;
  return link;
}

function LinkForm({ sites, close, made }: LinkFormProps) {
  const action = use_action();
  return (
    <Form label="New link" submit="Make link" action={action} close={close}
      run={async (fields) => made(await make_key(new_link(fields)))}>
      <label class="field"><span>Name <span class="quiet">for people; may be empty</span></span>
        <input name="name" maxLength={64} autocomplete="off" />
      </label>
      <SiteField sites={sites} hint="that it shows" all={false} />
      <label class="field"><span>Days <span class="quiet">empty: until taken back</span></span>
        <input name="days" type="number" min={1} step={1} autocomplete="off" />
      </label>
    </Form>
  );
}

function LinkList({ links, tell }: { links: KeyRow[]; tell: Tell }) {
  if (links.length === 0) return <p class="quiet">No link is out.</p>;
  return (
    <ul class="rows" aria-label="Share links">
      {links.map((link) => <OneLink key={link.id} row={link} tell={tell} />)}
    </ul>
  );
}

function OneLink({ row, tell }: { row: KeyRow; tell: Tell }) {
  return (
    <TakeBackRow row={row} what="Link" tell={tell} lost="Whoever has it sees nothing" cells={[
      <><b><Foreign text={row.name || row.id} /></b>
        {row.name && <> <code class="quiet">{visible(row.id)}</code></>}</>,
      <>shows <Foreign text={row.site} /></>,
    ]} />
  );
}
