// main.js: joins the page: messages come in, are put into the data, and everything is shown from there.
import { connect } from './connection.js'
import { Data } from './data.js'
import { byId, setText } from './dom.js'
import { lengthOf, timeOf } from './format.js'
import { Verdicts } from './master.js'
import { Plots } from './plots.js'
import { showReplicas } from './replicas.js'
import { showSettings } from './settings.js'
import { showStories } from './stories.js'
import { showLinks, showSentinels, showSessions } from './tables.js'

const data = new Data()
const plots = new Plots(byId('plots'))
const verdicts = new Verdicts(byId('verdicts'), render)

function render() {
  const { program, present } = data
  if (program === null || present === null) return
  verdicts.update(data)
  const master = present.masters[verdicts.chosen]
  if (master === undefined) return
  setText(
    byId('program'),
    `${program['host']} · version ${program['version']} · pid ${program['pid']} · up ${lengthOf(present.time - program['startedAt'])}`,
  )
  plots.update(data, verdicts.chosen)
  showSentinels(byId('sentinels'), master)
  showSessions(byId('sessions'), master)
  showLinks(byId('links'), master)
  byId('replicas-card').hidden = master.replicas === undefined
  if (master.replicas !== undefined) showReplicas(byId('replicas'), master.replicas)
  showStories(byId('stories'), data.stories[verdicts.chosen] ?? [], present.time)
  showSettings(byId('settings'), program['config'])
}

connect('/page/feed', {
  onHello(hello) {
    const before = data.program?.['version']
    data.onHello(hello)
    // The program was replaced by another version: so is its page.
    if (before !== undefined && before !== data.program?.['version']) location.reload()
    render()
  },
  onTick(tick) {
    data.onTick(tick)
    render()
  },
  onState({ live, since, why }) {
    document.documentElement.classList.toggle('broken', !live)
    const text = live ? 'live' : `no connection since ${timeOf(since, Date.now())}: ${why}. What is shown is from then.`
    setText(byId('connection'), text)
  },
})
