/// Pages whose clicks and number of users anybody may see: chosen here, taken back here.

import { type KeyRow, make_key, type SiteRow } from '../lib/access';
import { visible } from '../lib/format';
import { use_action } from '../widgets/action';
import { Foreign } from '../widgets/bits';
import { Form, Section, SiteField, type Tell, text_of } from '../widgets/settings';
import { type KeysProps, TakeBackRow } from './settings_keys';

export function Counters({ keys, sites, changed }: KeysProps) {
  return (
    <Section title="Public counters" res={keys} add="New counter" changed={changed}
      form={(close, tell) => <CounterForm sites={sites} close={close} tell={tell} />}>
      {(data, tell) => <CounterList tell={tell} counters={data.keys.filter((key) =>
        key.role === 'counter' && key.state === 'active')} />}
    </Section>
  );
}

/// Where a counter is, below the address of the dashboard; of several pages, with PAGE in the
/// place of each.
function address_of({ site, name }: { site: string; name: string }): string {
  const page = name.endsWith('*') ? 'PAGE' : encodeURIComponent(name);
  return `/c/${site}/${page}.svg`;
}

interface CounterFormProps {
  sites: SiteRow[];
  close(): void;
  tell: Tell;
}

function CounterForm({ sites, close, tell }: CounterFormProps) {
  const action = use_action();
  return (
    <Form label="New counter" submit="Show counts" action={action} close={close}
      run={async (fields) => {
        const name = text_of(fields, 'pages').trim();
        const site = text_of(fields, 'site');
        await make_key({ site, role: 'counter', name });
        tell(`Anybody may see the clicks and the number of users of ${visible(name)}.`);
      }}>
      <label class="field"><span>Page <span class="quiet">or what pages begin with, and a *</span>
      </span>
        <input name="pages" required maxLength={128} autocomplete="off" autocapitalize="none"
          spellcheck={false} />
      </label>
      <SiteField sites={sites} hint="of the page" all={false} />
    </Form>
  );
}

function CounterList({ counters, tell }: { counters: KeyRow[]; tell: Tell }) {
  if (counters.length === 0) return <p class="quiet">No page shows its clicks to the public.</p>;
  return (
    <ul class="rows" aria-label="Public counters">
      {counters.map((row) => <TakeBackRow key={row.id} row={row} what="Counter" tell={tell}
        lost="Nobody sees it any more" cells={[
          <b><Foreign text={row.name} /></b>,
          <code class="quiet"><Foreign text={address_of(row)} /></code>,
        ]} />)}
    </ul>
  );
}
