// compose-file.ts: docker/compose.yaml as docker-compose reads it: merged, with its variables and defaults.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { without } from '../support/needs.ts'
import { root } from './manifests.ts'

export interface Service {
  readonly image: string
  readonly command: readonly string[]
  readonly entrypoint: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Its other fields, as they stand. */
  readonly rest: Readonly<Record<string, unknown>>
}

export const composeFile = join(root, 'docker', 'compose.yaml')

/** Tap's `skip`: why docker-compose cannot be asked. The first generation, in Python, knows no `config --format`. */
export function withoutCompose(): string | false {
  const missing = without('docker-compose')
  if (missing !== false) return missing
  const { stdout } = spawnSync('docker-compose', ['version', '--short'], { encoding: 'utf8' })
  const version = stdout.trim().replace(/^v/, '')
  return Number.parseInt(version, 10) < 2 && `docker-compose 2 is needed, this is ${version}`
}

/** What `docker-compose config` says of a file; `faults` is empty where it accepts it. Needs no daemon. */
export function checkCompose(file: string): { readonly faults: string; readonly json: string } {
  const result = spawnSync('docker-compose', ['-f', file, 'config', '--format', 'json'], { encoding: 'utf8' })
  if (result.error !== undefined) throw result.error
  return { faults: result.status === 0 ? '' : result.stderr, json: result.stdout }
}

/** @throws Error where the file is refused. */
export function readServices(file = composeFile): ReadonlyMap<string, Service> {
  const { faults, json } = checkCompose(file)
  if (faults !== '') throw new Error(faults)
  const { services } = JSON.parse(json) as { services: Record<string, Partial<Service> & Record<string, unknown>> }
  return new Map(Object.entries(services).map(([name, service]) => [name, serviceOf(service)]))
}

function serviceOf({
  image,
  command,
  entrypoint,
  environment,
  ...rest
}: Partial<Service> & Record<string, unknown>): Service {
  return {
    image: image ?? '',
    command: (command ?? []).map(plain),
    entrypoint: (entrypoint ?? []).map(plain),
    environment: environment ?? {},
    rest,
  }
}

/** A dollar sign that is no variable of compose stands twice in the file and in what `config` writes. */
function plain(word: string): string {
  return word.replaceAll('$$', '$')
}
