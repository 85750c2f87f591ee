import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { listen_to_keys } from './lib/keys';
import { live } from './lib/live';
import { follow_links, href, location, navigate, run_clock } from './lib/state';
import { follow_system } from './lib/theme';
import { Overview } from './screens/overview';
import { later, Lazy } from './widgets/lazy';
import { help_open, places, Shell } from './widgets/shell';
import './style.css';

const actor_screen = later(() => import('./screens/actor').then((of) => of.ActorScreen));
const actors_screen = later(() => import('./screens/actors').then((of) => of.ActorsScreen));
const live_screen = later(() => import('./screens/live').then((of) => of.LiveScreen));
const page_screen = later(() => import('./screens/page').then((of) => of.PageScreen));
const system_screen = later(() => import('./screens/system').then((of) => of.SystemScreen));
const try_screen = later(() => import('./screens/try').then((of) => of.TryScreen));

function Screen() {
  const { path } = location.value;
  const actor = /^\/actors\/(?:([^/]+)\/)?(\d+)$/.exec(path);
  if (actor) {
    const props = { node: actor[1] ?? null, id: actor[2] ?? '' };
    return <Lazy key={path} of={actor_screen} props={props} />;
  }
  switch (path) {
    case '/': return <Overview />;
    case '/page': return <Lazy key={path} of={page_screen} props={{}} />;
    case '/live': return <Lazy key={path} of={live_screen} props={{}} />;
    case '/actors': return <Lazy key={path} of={actors_screen} props={{}} />;
    case '/system': return <Lazy key={path} of={system_screen} props={{}} />;
    case '/try': return <Lazy key={path} of={try_screen} props={{}} />;
    default: return <Nowhere path={path} />;
  }
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

function title_of(path: string): string {
  const place = [...places].reverse().find((one) => path.startsWith(one.path));
  return path === '/' || !place ? 'Footfall' : `${place.name} · Footfall`;
}

function App() {
  const { path } = location.value;
  useEffect(() => {
    document.title = title_of(path);
  }, [path]);
  return <Shell><Screen /></Shell>;
}

follow_system();
follow_links();
run_clock();
document.addEventListener('visibilitychange', () => live.visibility_changed());
listen_to_keys([
  ...places.map((place) => ({
    keys: `g ${place.key}`, does: `Go to ${place.name}`, run: () => navigate(href(place.path)),
  })),
  { keys: '.', does: 'Pause or go on with live updates',
    run: () => live.set_paused(!live.paused.value) },
  { keys: '?', does: 'This list', run: () => { help_open.value = !help_open.value; } },
]);
render(<App />, document.getElementById('app')!);
