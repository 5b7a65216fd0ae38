// dockerfile.ts: a Dockerfile as its instructions, by stage. Knows what this project's file uses and nothing more.

export interface Instruction {
  /** In capitals. */
  readonly name: string
  /** All behind the name, continued lines joined, build arguments with their defaults put in. */
  readonly text: string
}

export interface Stage {
  readonly name: string
  readonly base: string
  readonly instructions: readonly Instruction[]
}

/** The stages in order. @throws Error for what stands before the first FROM and is no ARG. */
export function parseDockerfile(text: string): Stage[] {
  const stages: { name: string; base: string; instructions: Instruction[] }[] = []
  const defaults = new Map<string, string>()
  for (const { name, text: raw } of instructionsOf(text)) {
    const words = raw.replace(/\$\{(\w+)\}/g, (whole, variable: string) => defaults.get(variable) ?? whole)
    if (name === 'ARG') defaults.set(words.split('=')[0] ?? '', words.split('=')[1] ?? '')
    else if (name === 'FROM') {
      const [base = '', , stage = String(stages.length)] = words.split(/\s+/).filter(word => !word.startsWith('--'))
      stages.push({ name: stage, base, instructions: [] })
      continue
    }
    const stage = stages.at(-1)
    if (stage !== undefined) stage.instructions.push({ name, text: words })
    else if (name !== 'ARG') throw new Error(`${name} stands before the first FROM`)
  }
  return stages
}

function instructionsOf(text: string): Instruction[] {
  const lines = text.split('\n').filter(line => !/^\s*(#|$)/.test(line))
  const joined = lines.join('\n').replace(/\\\n\s*/g, '')
  return joined.split('\n').map(line => {
    const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? []
    return { name: name.toUpperCase(), text: rest }
  })
}

/** The texts of all instructions of a name. */
export function all(stage: Stage | undefined, name: string): string[] {
  return (stage?.instructions ?? []).filter(instruction => instruction.name === name).map(({ text }) => text)
}

/** The exec form as words; undefined where it is a line for a shell. */
export function execForm(text: string): readonly string[] | undefined {
  const json = text.slice(text.indexOf('['))
  if (!json.startsWith('[')) return undefined
  const words: unknown = JSON.parse(json)
  return Array.isArray(words) && words.every(word => typeof word === 'string') ? words : undefined
}
