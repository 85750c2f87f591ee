import { defineConfig } from 'vite';

// The output must be the same bytes on every machine: nothing here may depend on
// the time, the folder or the environment.
export default defineConfig({
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/v1': process.env.FOOTFALL_URL ?? 'http://127.0.0.1:8081' } },
});
