// bbb-promise signs with SHA-1 over what the querystring module writes (a space is %20, !'()*~ stay as
// they are), and hands the parameters to request, which encodes them anew.
import bbb from 'bbb-promise'

export const sentAsSigned = 'a test ~'
// request sends %21%27%28%29%2A. A server has to refuse that, and so has who poses as one.
export const sentOtherwise = "It's (a) *test*!"

export function connect(url, secret) {
  const { administration, monitoring, recording } = bbb.server(url.replace(/\/$/, ''), secret)
  const plain = (parsed) => flat(parsed.response)
  return {
    create: async (name, id, more) => plain(await administration.create(name, id, more)),
    join: (name, id, password, more) => administration.join(name, id, password, more),
    end: async (id, password) => plain(await administration.end(id, password)),
    isMeetingRunning: async (id) => plain(await monitoring.isMeetingRunning(id)),
    getMeetingInfo: async (id) => plain(await monitoring.getMeetingInfo(id)),
    getMeetings: async () => plain(await monitoring.getMeetings()),
    getRecordings: async (more) => plain(await recording.getRecordings(more)),
    publishRecordings: async (id, publish) => plain(await recording.publishRecordings(id, publish)),
    updateRecordings: async (id, more) => plain(await recording.updateRecordings(id, more)),
    deleteRecordings: async (id) => plain(await recording.deleteRecordings(id)),
    createHook: async (callbackURL, more) => plain(await administration.customCall('hooks/create', { callbackURL, ...more })),
    listHooks: async (more) => plain(await administration.customCall('hooks/list', more)),
    destroyHook: async (hookID) => plain(await administration.customCall('hooks/destroy', { hookID })),
  }
}

// flat takes the arrays away that the parser puts around everything, except of the lists of meetings
// and recordings.
function flat(node, name) {
  if (typeof node === 'string') return node
  if (Array.isArray(node)) return node.length === 1 ? flat(node[0], name) : node.map((n) => flat(n))
  const item = { meetings: 'meeting', recordings: 'recording' }[name]
  if (item && node[item]) return node[item].map((n) => flat(n))
  return Object.fromEntries(Object.entries(node).map(([k, v]) => [k, flat(v, k)]))
}
