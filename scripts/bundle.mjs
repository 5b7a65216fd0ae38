// bundle.mjs: joins src/ to the few files of dist/: one for the proxy, one for each other command, what they share.
//
//   node scripts/bundle.mjs [FOLDER]        dist/ where none is given; what is there is replaced
//
// CommonJS, because `require` brings a module of Node's own as it is. An ES import reads every name that it exports,
// which loads much that nobody needs (docs/decisions/0015-a-bundle.md). Packages stay outside, as the dependencies that
// they are; the page's uPlot is one, so it lies in node_modules with its licence. Names stay readable; a map beside each file says where in src/ a line was (src/ops/source-stack.ts).
import { chmodSync, copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folder = resolve(process.argv[2] ?? join(root, 'dist'))

rmSync(folder, { recursive: true, force: true })
await build({
  cwd: root,
  input: 'src/main.ts',
  platform: 'node',
  external: name => !/^[./]/.test(name),
  logLevel: 'warn',
  output: {
    dir: folder,
    format: 'cjs',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    comments: false,
    minify: false,
    sourcemap: true,
    sourcemapExcludeSources: true,
  },
})
// The page's own files go to browsers as they are (src/page/assets.ts).
const browser = join(root, 'src', 'page', 'browser')
mkdirSync(join(folder, 'page'))
for (const name of readdirSync(browser).filter(name => /\.(?:js|css|html|svg)$/.test(name)))
  copyFileSync(join(browser, name), join(folder, 'page', name))
// The package itself is of ES modules.
writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }\n')
chmodSync(join(folder, 'main.js'), 0o755)
