import { defineConfig } from 'vite';

// The output must be the same bytes on every machine: nothing here may depend on
// the time, the folder or the environment.
export default defineConfig({
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // What several screens share is one file: a dozen small ones would be as many requests.
          groups: [
            { name: 'shared', test: /node_modules|\/src\/(lib|widgets)\//, minShareCount: 2 },
          ],
        },
      },
    },
  },
  server: { proxy: { '/v1': process.env.FOOTFALL_URL ?? 'http://127.0.0.1:8081' } },
});
