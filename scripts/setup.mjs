// setup.mjs: makes a machine ready for this checkout: packages from npm, a Node that runs TypeScript, Redis servers.
//
//   node scripts/setup.mjs [--with SET[,SET]] [--useful SET[,SET]]      the sets are those of toolSets below
//
// What --with names must be there in the end; what --useful names is done without where it cannot be had. Does only
// what is missing, says what it runs before it runs it, and prints nothing when all is there. Runs on any Node from 18
// on and needs no package, as it is what installs them. Progress goes to standard error.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
const binFolder = join(root, 'node_modules', '.bin')
/** Where apt keeps what it knows, and how old that may be before a package that it does not know is looked up again. */
const aptLists = { folder: '/var/lib/apt/lists', staleMs: 86_400_000 }
const hintNpm = 'run: npm ci   (with install scripts; not --ignore-scripts)'

/** A thing a person must do; its message says what and how. */
export class SetupError extends Error {}

/** Programs by name, and the packages that hold them. A set is asked for by name; `redis` always is. */
const toolSets = {
  // A Sentinel is `redis-server --sentinel`: no package of its own is needed.
  redis: [{ program: 'redis-server', apt: 'redis-server', brew: 'redis' }],
  cli: [{ program: 'redis-cli', apt: 'redis-tools', brew: 'redis' }],
  valkey: [
    { program: 'valkey-server', apt: 'valkey-server', brew: 'valkey' },
    { program: 'valkey-cli', apt: 'valkey-tools', brew: 'valkey' },
  ],
  // The tests make their certificates with it.
  openssl: [{ program: 'openssl', apt: 'openssl', brew: 'openssl' }],
  deploy: [
    { program: 'kubectl', apt: 'kubectl', brew: 'kubernetes-cli' },
    // The first generation, in Python, takes other words; Debian 12 and Ubuntu 22.04 have it.
    { program: 'docker-compose', apt: 'docker-compose', brew: 'docker-compose', least: 2 },
  ],
  image: [
    { program: 'buildah', apt: 'buildah', brew: 'buildah' },
    { program: 'podman', apt: 'podman', brew: 'podman' },
    { program: 'runc', apt: 'runc', brew: 'runc' },
    { program: 'mmdebstrap', apt: 'mmdebstrap', brew: 'mmdebstrap' },
  ],
  // Lets a test set the clock of one process.
  clock: [{ program: 'faketime', apt: 'faketime', brew: 'libfaketime' }],
  // The page is tested in a real one: 90 MB to fetch, 380 MB on disk, 15 s to install on a fast network.
  browser: [{ program: 'chromium', apt: 'chromium', brew: 'chromium' }],
  ops: [{ program: 'promtool', apt: 'promtool', brew: 'prometheus' }],
  // Redis's own test suite is written in it.
  tcl: [
    { program: 'tclsh', apt: 'tcl', brew: 'tcl-tk' },
    { program: 'redis-benchmark', apt: 'redis-tools', brew: 'redis' },
  ],
  // Suites of client libraries, most of them as Debian packages: those without a program are asked for by name.
  clients: [
    { program: 'gcc', apt: 'gcc', brew: 'gcc' },
    { program: 'make', apt: 'make', brew: 'make' },
    { program: 'php', apt: 'php-cli', brew: 'php' },
    { program: 'phpunit', apt: 'phpunit', brew: 'phpunit' },
    packaged('php-redis'),
    packaged('php-igbinary'),
    packaged('php-msgpack'),
    { program: 'go', apt: 'golang-go', brew: 'go' },
    packaged('golang-github-gomodule-redigo-dev'),
    packaged('golang-github-stretchr-testify-dev'),
  ],
  // Client libraries, and what runs them: each is of use without the others.
  libraries: [
    packaged('python3-redis'),
    packaged('ruby-redis'),
    packaged('ruby-redis-client'),
    { program: 'php', apt: 'php-cli', brew: 'php' },
    packaged('php-redis'),
    packaged('php-predis'),
    { program: 'gcc', apt: 'gcc', brew: 'gcc' },
    packaged('libhiredis-dev'),
    { program: 'javac', apt: 'default-jdk-headless', brew: 'openjdk' },
    { program: 'mvn', apt: 'maven', brew: 'maven' },
    packaged('libredis-perl'),
    { program: 'go', apt: 'golang-go', brew: 'go' },
    packaged('golang-github-gomodule-redigo-dev'),
    packaged('golang-gopkg-redis.v5-dev'),
  ],
  bench: [
    { program: 'redis-benchmark', apt: 'redis-tools', brew: 'redis' },
    { program: 'haproxy', apt: 'haproxy', brew: 'haproxy' },
    { program: 'nutcracker', apt: 'nutcracker', brew: 'twemproxy' },
  ],
}

/**
 * Makes everything ready. `needed` and `useful` are names of tool sets: without the first nothing works, without the
 * second some of it does. Answers the path of the Node to run TypeScript with. Throws SetupError where a person has to
 * act.
 */
export async function setup({ needed = [], useful = [] } = {}) {
  const node = setupPackages()
  await setupTools(['redis', ...needed])
  setupUseful(useful)
  return node
}

/** The npm packages, and the Node among them. Answers that Node's path. */
export function setupPackages() {
  const reason = whyInstall()
  if (reason) {
    say(`${reason}; running npm ci`)
    run('npm', ['ci'], { env: withoutBinFolder(process.env) }, hintNpm)
  }
  const node = findNode()
  buildTap(node)
  return node
}

/** The environment for programs of this checkout: its own node and tools come first. */
export function binEnvironment(env = process.env) {
  return { ...env, PATH: [binFolder, env.PATH].filter(Boolean).join(delimiter) }
}

// npm ci replaces node_modules, so it must not be run by the node that lives in there.
function withoutBinFolder(env) {
  const folders = (env.PATH ?? '').split(delimiter).filter(folder => folder !== binFolder)
  return { ...env, PATH: folders.join(delimiter) }
}

function whyInstall() {
  const installed = join(root, 'node_modules', '.package-lock.json')
  const wanted = join(root, 'package-lock.json')
  if (!existsSync(installed)) return 'node_modules is missing or incomplete'
  if (statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return undefined
  return samePackages(readPackages(wanted), readPackages(installed)) ? undefined : 'node_modules is out of date'
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages ?? {}
}

/** A checkout touches the lock file without changing it, so its age alone proves nothing. */
function samePackages(wanted, installed) {
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true
    const found = installed[path]
    if (!found) return entry.optional === true || entry.devOptional === true
    return found.version === entry.version && found.integrity === entry.integrity
  })
}

/** This checkout's own; WITH_NODE is the path of another to try everything with. */
function findNode() {
  const { WITH_NODE: chosen } = process.env
  if (chosen) {
    const { stdout, error } = spawnSync(chosen, ['--version'], { encoding: 'utf8' })
    if (!error && stripsTypes(stdout.trim())) return chosen
    throw new SetupError(`WITH_NODE=${chosen} ${error ? 'does not run' : 'cannot run TypeScript'}; 22.18 or newer can`)
  }
  const own = join(binFolder, 'node')
  const tried = spawnSync(own, ['--version'], { encoding: 'utf8' })
  if (tried.status === 0 && stripsTypes(tried.stdout.trim())) return own
  const problem = tried.error
    ? `${tried.error.code ?? tried.error.message}`
    : tried.stderr.trim() || `exit ${tried.status}`
  if (stripsTypes(process.version)) {
    say(`node_modules/.bin/node does not run (${problem}); going on with ${process.execPath} ${process.version}`)
    return process.execPath
  }
  throw new SetupError(
    `node_modules/.bin/node does not run (${problem}), and this Node ${process.version} cannot run TypeScript ` +
      `(22.18 or newer can). Its package sets itself up in an install script; ${hintNpm}`,
  )
}

function stripsTypes(version) {
  const [major, minor] = version.replace(/^v/, '').split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 18)
}

/**
 * tap comes built with its default plugins. When .taprc drops one, `tap run` builds itself anew, but the run that does
 * so still has the old set: the first run after an install would compile the tests where the next ones do not.
 */
function buildTap(node) {
  const config = readFileSync(join(root, '.taprc'), 'utf8')
  const dropped = [...config.matchAll(/^\s*-\s*["']!(\S+)["']/gm)].map(match => match[1])
  const built = join(root, 'node_modules', '@tapjs', 'test', 'test-built', 'dist', 'esm', 'index.js')
  const code = existsSync(built) ? readFileSync(built, 'utf8') : undefined
  if (code !== undefined && !dropped.some(plugin => code.includes(`from "${plugin}"`))) return
  say('tap is not built with the plugins of .taprc; running tap build')
  run(node, [join(binFolder, 'tap'), 'build'], { env: binEnvironment() }, hintNpm)
}

async function setupTools(sets) {
  const missing = missingTools(sets)
  if (missing.length === 0) return
  const names = missing.map(tool => tool.program).join(', ')
  const commands = installCommands(missing, names)
  for (const command of commands) {
    say(`${names}: not found; running ${command.join(' ')}`)
    run(command[0], command.slice(1), {}, `run it by hand: ${command.join(' ')}`)
  }
  const still = missingTools(sets)
  if (still.length > 0) {
    throw new SetupError(`installed, but still not on the PATH: ${still.map(tool => tool.program).join(', ')}`)
  }
  for (const port of [6379, 26379]) await tellOfService(port)
}

/**
 * What a distribution does not have is named once and done without. Each package is installed by itself: apt installs
 * none of several when one of them fails.
 */
function setupUseful(sets) {
  const absent = missingTools(sets)
  for (const command of usefulCommands(absent)) {
    say(`running ${command.join(' ')}`)
    const { status } = spawnSync(command[0], command.slice(1), { cwd: root, stdio: ['ignore', 2, 2] })
    if (status !== 0) say(`${command.join(' ')}: exit code ${status}; going on without`)
  }
  const still = [...missingTools(sets).map(tool => tool.program), ...tooOld(sets)]
  if (still.length > 0) say(`not here: ${still.join(', ')}; what needs them is skipped and counted`)
}

function usefulCommands(absent) {
  if (absent.length === 0) return []
  if (findProgram('apt-get')) {
    const as = asRoot()
    if (as === undefined) return []
    const names = unique(absent.map(tool => tool.apt))
    const isKnown = name => spawnSync('apt-cache', ['show', name], { stdio: 'ignore' }).status === 0
    if (!names.every(isKnown) && aptListsAreStale()) {
      const update = [...as, 'apt-get', 'update']
      say(`running ${update.join(' ')}`)
      spawnSync(update[0], update.slice(1), { stdio: ['ignore', 2, 2] })
    }
    const install = [...as, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-y']
    const quiet = ['--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300']
    return names.filter(isKnown).map(name => [...install, ...quiet, name])
  }
  if (findProgram('brew')) return unique(absent.map(tool => tool.brew)).map(name => ['brew', 'install', name])
  return []
}

/** The lists are old, or there are none. */
function aptListsAreStale() {
  const { folder, staleMs } = aptLists
  if (!existsSync(folder)) return true
  const lists = readdirSync(folder).filter(name => /_Packages|_InRelease|_Release/.test(name))
  // The mirror sets a file's time, so it is the folder that tells when apt was last here.
  return lists.length === 0 || Date.now() - statSync(folder).mtimeMs > staleMs
}

/** Programs that are here in a generation that the tests do not speak to. */
function tooOld(sets) {
  return sets
    .flatMap(set => toolSets[set])
    .filter(tool => tool.least !== undefined && findProgram(tool.program) !== undefined)
    .flatMap(({ program, least }) => {
      const { stdout } = spawnSync(program, ['version', '--short'], { encoding: 'utf8' })
      const version = (stdout ?? '').trim().replace(/^v/, '')
      return Number.parseInt(version, 10) >= least ? [] : [`${program} ${least} (but ${version || 'another'})`]
    })
}

function missingTools(sets) {
  return sets.flatMap(set => toolSets[set]).filter(({ program, isInstalled = isProgram }) => !isInstalled(program))
}

function findProgram(program) {
  // A person's PATH often lacks sbin, where Debian puts haproxy and nutcracker.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin']
  return folders.map(folder => join(folder || '.', program)).find(isExecutable)
}

function isProgram(name) {
  return findProgram(name) !== undefined
}

/** A Debian package that holds a library and no program. */
function packaged(name) {
  return { program: name, apt: name, brew: name, isInstalled: isPackage }
}

/** The list of a package that is there for several architectures has the architecture in its name. */
function isPackage(name) {
  const folder = '/var/lib/dpkg/info'
  if (existsSync(join(folder, `${name}.list`))) return true
  return existsSync(folder) && readdirSync(folder).some(file => file.startsWith(`${name}:`) && file.endsWith('.list'))
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

function installCommands(missing, names) {
  const apt = unique(missing.map(tool => tool.apt))
  const brew = unique(missing.map(tool => tool.brew))
  if (findProgram('apt-get')) {
    const as = asRoot()
    const install = ['apt-get', 'install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...apt]
    if (as)
      return [
        [...as, 'apt-get', 'update'],
        [...as, 'env', 'DEBIAN_FRONTEND=noninteractive', ...install],
      ]
    const byHand = `sudo apt-get update && sudo apt-get install ${apt.join(' ')}`
    throw new SetupError(`not found: ${names}. Installing needs root or a sudo without a password; run: ${byHand}`)
  }
  if (findProgram('brew')) return [['brew', 'install', ...brew]]
  throw new SetupError(
    `not found: ${names}. There is no apt-get and no brew here; install them with your package manager ` +
      `(Debian: apt-get install ${apt.join(' ')}; Homebrew: brew install ${brew.join(' ')})`,
  )
}

/** What to put before a command so that it runs as root; undefined where that cannot be had without a person. */
function asRoot() {
  if (process.getuid?.() === 0) return []
  if (!findProgram('sudo')) return undefined
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo', '-n'] : undefined
}

function unique(items) {
  return [...new Set(items)]
}

function run(command, args, options, remedy) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options })
  if (result.status === 0) return
  const cause = result.error ? result.error.message : `exit code ${result.status ?? result.signal}`
  throw new SetupError(`${[command, ...args].join(' ')} failed (${cause}); ${remedy}`)
}

/** Debian's packages may start a service: harmless, as the tests take free ports, but worth knowing of. */
function tellOfService(port) {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 500 })
    const end = () => {
      socket.destroy()
      resolve()
    }
    socket.once('error', end)
    socket.once('timeout', end)
    socket.once('connect', () => {
      say(
        `note: something listens on 127.0.0.1:${port}, perhaps a service that the new package started; it is left alone`,
      )
      end()
    })
  })
}

function say(text) {
  process.stderr.write(`setup: ${text}\n`)
}

function readExtras(args) {
  const usage = `usage: setup.mjs [--with SET[,SET]] [--useful SET[,SET]], SET one of ${Object.keys(toolSets).join(', ')}`
  const extras = { needed: [], useful: [] }
  for (let index = 0; index < args.length; index += 2) {
    const kind = { '--with': 'needed', '--useful': 'useful' }[args[index]]
    for (const set of (args[index + 1] ?? '').split(',')) {
      if (kind === undefined || !Object.hasOwn(toolSets, set)) throw new SetupError(usage)
      extras[kind].push(set)
    }
  }
  return extras
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await setup(readExtras(process.argv.slice(2)))
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    say(error.message)
    process.exitCode = 1
  }
}
