import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { listen_to_keys } from './lib/keys';
import { live } from './lib/live';
import { ask_session, is_global_admin, may_enter, session, share_over } from './lib/session';
import { share_base } from './lib/share';
import { follow_links, href, location, navigate, run_clock } from './lib/state';
import { follow_system } from './lib/theme';
import { later, Lazy } from './widgets/lazy';
import { OnlyAdmins } from './widgets/only_admins';
import { help_open, open_places, places, Shell } from './widgets/shell';
import './style.css';

const actor_screen = later(() => import('./screens/actor').then((of) => of.ActorScreen));
const sign_in_screen = later(() => import('./screens/sign_in').then((of) => of.SignIn));
const screens = {
  overview: later(() => import('./screens/overview').then((of) => of.Overview)),
  page: later(() => import('./screens/page').then((of) => of.PageScreen)),
  live: later(() => import('./screens/live').then((of) => of.LiveScreen)),
  actors: later(() => import('./screens/actors').then((of) => of.ActorsScreen)),
  system: later(() => import('./screens/system').then((of) => of.SystemScreen)),
  attempt: later(() => import('./screens/try').then((of) => of.TryScreen)),
  settings: later(() => import('./screens/settings').then((of) => of.SettingsScreen)),
};

function screen_at(path: string) {
  switch (path) {
    case '/': return screens.overview;
    case '/page': return screens.page;
    case '/live': return screens.live;
    case '/actors': return screens.actors;
    case '/system': return screens.system;
    case '/settings': return screens.settings;
    case '/try': return screens.attempt;
    default: return null;
  }
}

const actor_address = /^\/actors\/(?:([^/]+)\/)?(\d+)$/;

/// Fetches what stands at an address while it is still asked who is there.
function fetch_screen_at(path: string): void {
  (actor_address.test(path) ? actor_screen : screen_at(path))?.load();
}

function Screen() {
  const { path } = location.value;
  if (session.value === null) return <div class="card-body" aria-busy="true" />;
  if (share_over.value) return <Over />;
  if (!may_enter.value) return <Lazy of={sign_in_screen} props={{}} />;
  const place = place_of(path);
  if (place && 'for_admins' in place && !is_global_admin.value) {
    return <OnlyAdmins key={path} name={place.name} />;
  }
  const actor = actor_address.exec(path);
  if (actor) {
    const props = { node: actor[1] ?? null, id: actor[2] ?? '' };
    return <Lazy key={path} of={actor_screen} props={props} />;
  }
  const screen = is_open(path) ? screen_at(path) : null;
  return screen ? <Lazy key={path} of={screen} props={{}} /> : <Nowhere path={path} />;
}

/// Of a shared view only some screens can be seen.
function is_open(path: string): boolean {
  return !share_base || open_places.value.some((place) => place.path === path);
}

function Over() {
  return (
    <div class="empty">
      <h1>This link shows nothing.</h1>
      <p>It was taken back, is over, or was cut off on its way. Ask whoever gave it to you for
        another one.</p>
    </div>
  );
}

function Nowhere({ path }: { path: string }) {
  return (
    <div class="empty">
      <h1>There is no screen at this address.</h1>
      <p><code>{path}</code></p>
      <p><a href={href('/')}>Go to the overview</a></p>
    </div>
  );
}

/// The screen that an address belongs to, such as that of one actor to the actors.
function place_of(path: string) {
  return places.find((one) => path === one.path || path.startsWith(`${one.path}/`));
}

function title_of(path: string): string {
  if (share_over.value) return 'Footfall';
  if (session.value && !may_enter.value) return 'Sign in · Footfall';
  const place = place_of(path);
  return path === '/' || !place ? 'Footfall' : `${place.name} · Footfall`;
}

function App() {
  const { path } = location.value;
  const title = title_of(path);
  useEffect(() => {
    document.title = title;
  }, [title]);
  return <Shell><Screen /></Shell>;
}

follow_system();
follow_links();
run_clock();
document.addEventListener('visibilitychange', () => {
  live.visibility_changed();
  // Another tab may have signed in or out meanwhile.
  if (!document.hidden && session.value?.asks) void ask_session();
});
listen_to_keys(() => [
  ...open_places.value.map((place) => ({
    keys: `g ${place.key}`, does: `Go to ${place.name}`, run: () => navigate(href(place.path)),
  })),
  { keys: '.', does: 'Pause or go on with live updates',
    run: () => live.set_paused(!live.paused.value) },
  { keys: '?', does: 'This list', run: () => { help_open.value = !help_open.value; } },
]);
fetch_screen_at(location.value.path);
void ask_session();
render(<App />, document.getElementById('app')!);
