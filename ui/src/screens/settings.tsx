/// Who may do what: sites, keys of programs, and people.

import { add_site, list_keys, list_sites, list_users, type SiteRow } from '../lib/access';
import { count_of, visible } from '../lib/format';
import { type Resource, use_resource } from '../lib/resource';
import { session } from '../lib/session';
import { href } from '../lib/state';
import { use_action } from '../widgets/action';
import { Foreign } from '../widgets/bits';
import { Day, Form, Row, Section, text_of } from '../widgets/settings';
import { use_stream } from '../widgets/stream';
import { Counters } from './settings_counters';
import { Keys } from './settings_keys';
import { Links } from './settings_links';
import { People } from './settings_people';

export function SettingsScreen() {
  use_stream({ topics: ['system'], on: () => undefined });
  return session.value?.asks ? <Lists /> : <Open />;
}

/// Where there is nothing to set.
function Open() {
  return (
    <>
      <div class="title"><h1>Settings</h1></div>
      <p>This node asks nobody for a key. Started with <code class="word">--auth on</code>, it does,
        and sites, keys and people are kept here; <code>docs/security.md</code> says how to
        begin.</p>
    </>
  );
}

function Lists() {
  const sites = use_resource('sites', list_sites);
  const keys = use_resource('keys', list_keys);
  const people = use_resource('people', list_users);
  const reload = (...lists: Resource<never>[]) => lists.forEach((one) => void one.load());
  const known = sites.data.value?.sites ?? [];
  return (
    <>
      <h1 class="sr">Settings</h1>
      <Sites sites={sites} />
      <Keys keys={keys} sites={known}
        changed={() => reload(keys as Resource<never>, sites as Resource<never>)} />
      <Links keys={keys} sites={known}
        changed={() => reload(keys as Resource<never>, sites as Resource<never>)} />
      <Counters keys={keys} sites={known} changed={() => reload(keys as Resource<never>)} />
      <People people={people} sites={known} />
    </>
  );
}

function Sites({ sites }: { sites: Resource<{ sites: SiteRow[] }> }) {
  return (
    <Section title="Sites" res={sites} add="Add a site" changed={() => void sites.load()}
      form={(close, tell) => <SiteForm close={close} tell={tell} />}>
      {(data) => (data.sites.length === 0
        ? <p class="quiet">There is no site yet. Keys and people belong to one, or to all.</p>
        : <ul class="rows sites" aria-label="Sites">
          {data.sites.map((row) => <Row key={row.site} cells={[
            <b><a href={`/?site=${encodeURIComponent(row.site)}`}><Foreign text={row.site} /></a>
            </b>,
            count_of(row.active_keys, 'active key'),
            <span class="quiet">added <Day at={row.created_at} /></span>,
          ]} actions={<a href={href('/live', { site: row.site })}
            aria-label={`Live: ${visible(row.site)}`}>Live</a>} />)}
        </ul>)}
    </Section>
  );
}

function SiteForm({ close, tell }: { close(): void; tell(words: string): void }) {
  const action = use_action();
  return (
    <Form label="Add a site" submit="Add site" action={action} close={close}
      run={async (fields) => {
        const site = text_of(fields, 'site');
        await add_site(site);
        tell(`Site ${visible(site)} is added.`);
      }}>
      <label class="field"><span>Name <span class="quiet">as events name it</span></span>
        <input name="site" required maxLength={128} autocomplete="off" autocapitalize="none"
          spellcheck={false} />
      </label>
    </Form>
  );
}
