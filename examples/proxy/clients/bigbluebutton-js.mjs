// bigbluebutton-js makes URLs, signed with SHA-1 over what the querystring module writes (a space is
// %20, !'()*~ stay as they are), with the checksum last, and sends them with axios.
import bbb from 'bigbluebutton-js'

export const sentAsSigned = 'A (small) *test*! ~'
// Below axios, a quote becomes %27. A server has to refuse that, and so has who poses as one.
export const sentOtherwise = "It's a test"

export function connect(url, secret) {
  const { administration, monitoring, recording, hooks } = bbb.api(url, secret)
  const send = async (signed) => plain(await bbb.http(signed))
  return {
    index: () => send(url + 'api'),
    create: (name, id, more) => send(administration.create(name, id, more)),
    join: (name, id, password, more) => administration.join(name, id, password, more),
    end: (id, password) => send(administration.end(id, password)),
    isMeetingRunning: (id) => send(monitoring.isMeetingRunning(id)),
    getMeetingInfo: (id) => send(monitoring.getMeetingInfo(id)),
    getMeetings: () => send(monitoring.getMeetings()),
    getRecordings: (more) => send(recording.getRecordings(more)),
    publishRecordings: (id, publish) => send(recording.publishRecordings(id, publish)),
    updateRecordings: (id, more) => send(recording.updateRecordings(id, more)),
    deleteRecordings: (id) => send(recording.deleteRecordings(id)),
    createHook: (callbackURL, more) => send(hooks.create(callbackURL, more)),
    listHooks: (more) => send(hooks.list(more)),
    destroyHook: (id) => send(hooks.destroy(id)),
    // The library signs whatever it is given, so calls with a body or an answer in JSON can be made.
    url: (call, params) => bbb.util.constructUrl(url.replace(/\/$/, ''), secret, call, { ...params }),
    parse: (xml) => plain(bbb.util.parseXml(xml)),
  }
}

// plain makes texts of numbers and booleans, which the parser guesses, and reads entities, which it
// leaves alone.
function plain(value) {
  if (Array.isArray(value)) return value.filter((v) => v !== undefined).map(plain)
  if (value === null || typeof value !== 'object') {
    return String(value ?? '').replace(/&(lt|gt|quot|apos|#39|#34|amp);/g, (_, name) => entities[name])
  }
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]))
}

const entities = { lt: '<', gt: '>', quot: '"', '#34': '"', apos: "'", '#39': "'", amp: '&' }
