// client-lines.ts: reads the lines of CLIENT LIST and CLIENT INFO, and makes them for sessions, which the server does
// not know. Pure.
//
// A session's line is a link's line with the session's own values. The session's own link tells the truth about flags,
// subscriptions and buffers; of a shared link only the fields stay that belong to no single session. Fields that this
// file does not know stay as the server wrote them, in its order.

/** One client as a server lists it: field to value, in the server's order. */
export type ClientLine = ReadonlyMap<string, string>

/** What Holdfast knows of a session, as fields of its line. */
export interface SessionFacts {
  /** Fields that no link has of it. */
  readonly always: Readonly<Record<string, string>>
  /** Fields that its own link has right, and no other. */
  readonly unlessOwn: Readonly<Record<string, string>>
  /** Fields that its own link has right, where the server lists that link. */
  readonly unlessListed: Readonly<Record<string, string>>
  readonly user: string
  /** It came by the Unix-domain socket. */
  readonly unix: boolean
}

/** The text of a bulk or verbatim string, one character for each byte; undefined: the reply is neither. */
export function replyText(frame: Buffer): string | undefined {
  const end = frame.indexOf(10)
  if (end < 0) return undefined
  const body = frame.toString('latin1', end + 1, frame.length - 2)
  if (frame[0] === 36) return body
  return frame[0] === 61 ? body.slice(4) : undefined
}

/** `text` as a reply of the same kind as `like`. */
export function replyLike(like: Buffer, text: string): Buffer {
  const isVerbatim = like[0] === 61
  const body = Buffer.from(isVerbatim ? `txt:${text}` : text, 'latin1')
  return Buffer.concat([Buffer.from(`${isVerbatim ? '=' : '$'}${body.length}\r\n`), body, Buffer.from('\r\n')])
}

/** Every line of the text. */
export function parseLines(text: string): ClientLine[] {
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(parseLine)
}

function parseLine(line: string): ClientLine {
  const fields = new Map<string, string>()
  let last = ''
  for (const part of line.split(' ')) {
    const at = part.indexOf('=')
    if (at > 0) {
      last = part.slice(0, at)
      fields.set(last, part.slice(at + 1))
    } else if (last !== '') fields.set(last, `${fields.get(last)} ${part}`) // a path with a space in it
  }
  return fields
}

/** As the server writes it, its line end included. */
export function formatLine(line: ClientLine): string {
  let text = ''
  for (const [field, value] of line) text += `${text === '' ? '' : ' '}${field}=${value}`
  return `${text}\n`
}

/** The fields of Redis 8.0, for when no line of a server is at hand. */
export const blankLine: ClientLine = parseLine(
  'id=0 addr= laddr= fd=-1 name= age=0 idle=0 flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 watch=0 qbuf=0 qbuf-free=0 ' +
    'argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd=NULL user=default redir=-1 resp=2 ' +
    'lib-name= lib-ver=',
)

/** What a session on a shared link has of these fields: the link's figures are those of all its sessions. */
const ofSharedLink: Readonly<Record<string, string>> = {
  flags: 'N',
  capa: '',
  sub: '0',
  psub: '0',
  ssub: '0',
  multi: '-1',
  watch: '0',
  redir: '-1',
}
const sums = new Set(['qbuf', 'qbuf-free', 'argv-mem', 'multi-mem', 'rbs', 'rbp', 'obl', 'oll', 'omem', 'tot-mem'])
const isSum = (field: string): boolean => sums.has(field) || field.startsWith('tot-')

/** The session's line, made from that of its `own` link, the `shared` one it uses, or any `other` if it has none. */
export function sessionLine(link: ClientLine, whose: 'own' | 'shared' | 'other', facts: SessionFacts): ClientLine {
  const isOwn = whose === 'own'
  const own: Readonly<Record<string, string>> = {
    ...(isOwn ? {} : { ...ofSharedLink, ...facts.unlessOwn }),
    ...(whose === 'other' ? { user: facts.user, ...facts.unlessListed } : {}),
    ...facts.always,
  }
  const line = new Map<string, string>()
  for (const [field, value] of link) line.set(field, own[field] ?? (!isOwn && isSum(field) ? '0' : value))
  if (facts.unix) line.set('flags', `${line.get('flags')?.replace(/[NU]/g, '') ?? ''}U`)
  return line
}
