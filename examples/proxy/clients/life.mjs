// Life takes a client library that is not ours through the whole life of meetings, and checks every
// answer. It is run against a server and against the proxy: neither the library nor this program may
// be able to tell which of them it was.
//
//	npm ci --ignore-scripts
//	BBB_URL=http://127.0.0.1:8090/bigbluebutton/ BBB_SECRET=S node life.mjs bigbluebutton-js
//
// It prints what was answered, without what is different each time, so that the output for
// the proxy can be compared to that for a server.
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

const [library] = process.argv.slice(2)
const { BBB_URL: url, BBB_SECRET: secret } = process.env
assert(library && url && secret, 'usage: BBB_URL=... BBB_SECRET=... node life.mjs LIBRARY')
const { connect, sentAsSigned, sentOtherwise } = await import(`./${library}.mjs`)
const client = connect(url, secret)

// Errors of the libraries hold half of the program.
process.on('uncaughtException', (err) => {
  console.log(err.stack)
  process.exit(1)
})

// What no two servers have in common, or no two meetings.
const volatile = new Set([
  'internalMeetingID', 'createTime', 'createDate', 'startTime', 'endTime', 'voiceBridge', 'recordID', 'url', 'rawSize', 'size',
  'hookID', 'bbbVersion', 'graphqlWebsocketUrl', 'graphqlApiUrl', 'processingTime', 'length', 'user_id', 'auth_token',
  'session_token', 'meeting_id', 'href',
])
const masked = (key, value) => {
  if (typeof value !== 'object') return volatile.has(key) && value !== '' ? '*' : value
  return unordered.has(key) ? Object.fromEntries(Object.entries(value).sort()) : value
}
// JSON objects and the attributes of XML, which have no order.
const unordered = new Set(['response', '$'])
const run = Math.random().toString(36).slice(2, 8) // what another run left behind is not ours

function show(step, answer) {
  const text = JSON.stringify(answer, masked).replaceAll(run, 'RUN')
  console.log(`${step}: ${text.replace(/[0-9a-f]{40}-\d{13}/g, 'ID').replace(/http:\/\/127\.0\.0\.1:\d+/g, 'http://server')}`)
  return answer
}

// succeeds and fails check an answer, and its key.
function succeeds(step, answer, key) {
  show(step, answer)
  assert.equal(answer.returncode, 'SUCCESS', step)
  if (key !== undefined) assert.equal(answer.messageKey ?? '', key, step)
  return answer
}

function fails(step, answer, key) {
  show(step, answer)
  assert.equal(answer.returncode, 'FAILED', step)
  assert.equal(answer.messageKey, key, step)
  assert(answer.message, step)
}

// eventually asks until a condition holds: an end is carried out after its answer.
async function eventually(step, ask, holds) {
  for (let i = 0; i < 100; i++) {
    const answer = await ask()
    if (holds(answer)) return answer
    await pause(100)
  }
  assert.fail(`${step}: not within ten seconds`)
}

// list is what is in an element, whether that has none, one or more.
const list = (element, item) => {
  if (Array.isArray(element)) return element
  const found = (element || {})[item] ?? []
  return Array.isArray(found) ? found : [found]
}
const mine = (answer) => list(answer.meetings, 'meeting').filter((m) => m.meetingID.includes(run))

// enter does what a browser does with a join URL, and returns the page of the client.
async function enter(joinURL) {
  let cookie = ''
  for (let hops = 0; hops < 4; hops++) {
    const answer = await fetch(joinURL, { redirect: 'manual', headers: cookie ? { cookie } : {} })
    const body = (await answer.text()).trim().replace(/>\s+</g, '><')
    cookie = answer.headers.getSetCookie?.().map((c) => c.split(';')[0]).join('; ') || cookie
    if (answer.status < 300 || answer.status >= 400) return { status: answer.status, type: answer.headers.get('content-type'), body, url: joinURL }
    joinURL = new URL(answer.headers.get('location'), joinURL).href
  }
  assert.fail('the join went round in circles')
}

const id = `life-${run}`
const rooms = { moderatorPW: 'moderate-me-9', attendeePW: 'attend-it-17' }
const odd = 'Zoë & <Bob> "42" +1 100% a=b;c ~ \u{1F600} äöü'

async function meetings() {
  if (client.index) {
    const { returncode, version, apiVersion } = await client.index() // the rest is about one server
    succeeds('index', { returncode, version, apiVersion })
    assert.match(version, /^2/)
  }
  assert.equal(succeeds('running, none', await client.isMeetingRunning(id)).running, 'false')
  fails('info, none', await client.getMeetingInfo(id), 'notFound')
  fails('end, none', await client.end(id, rooms.moderatorPW), 'notFound')

  const more = { ...rooms, welcome: odd, record: true, 'meta_Class-Name': odd, meta_term: '1', muteOnStart: true, maxParticipants: 3 }
  const created = succeeds('create', await client.create(odd, id, more), '')
  assert.equal(created.meetingID, id)
  assert.equal(created.moderatorPW, rooms.moderatorPW)
  const again = succeeds('create again', await client.create(odd, id, more), 'duplicateWarning')
  assert.equal(again.internalMeetingID, created.internalMeetingID)
  fails('create, other passwords', await client.create(odd, id, { ...more, moderatorPW: 'another-one-3' }), 'idNotUnique')

  const info = succeeds('info', await client.getMeetingInfo(id))
  assert.equal(info.running, 'false')
  assert.equal(info.internalMeetingID, created.internalMeetingID)
  assert.equal(info.createTime, created.createTime)
  const { metadata } = info
  assert.equal(metadata['term'], '1')
  assert(metadata['class-name'], 'names of metadata are lower case')
  const listed = mine(await client.getMeetings())
  assert.equal(listed.length, 1)
  show('listed', listed)

  const ann = await enter(client.join('Ann ' + odd, id, rooms.moderatorPW, { userID: 'u-ann', createTime: created.createTime }))
  assert.equal(ann.status, 200, 'the page of the client')
  assert.match(ann.url, /sessionToken=/)
  const bob = await enter(client.join('Bob', id, rooms.attendeePW, { userID: 'u-bob', 'userdata-bbb_listen_only_mode': 'true' }))
  assert.equal(bob.status, 200)
  show('join, wrong password', (await enter(client.join('Eve', id, 'guessed-pw-1'))).body)
  show('join, no redirect', (await enter(client.join('Cid', id, rooms.attendeePW, { redirect: false, userID: 'u-cid' }))).body
    .replace(/<(meeting_id|user_id|auth_token|session_token|url)>[^<]*</g, '<$1>*<'))
  const full = await enter(client.join('Dan', id, rooms.attendeePW, { redirect: false, userID: 'u-dan' }))
  show('join, full', full.body)
  assert.match(full.body, /maxParticipantsReached/)

  const inside = succeeds('info, three inside', await client.getMeetingInfo(id))
  assert.equal(inside.participantCount, '3')
  const people = list(inside.attendees, 'attendee').map((a) => [a.userID, a.role]).sort()
  assert.deepEqual(people, [['u-ann', 'MODERATOR'], ['u-bob', 'VIEWER'], ['u-cid', 'VIEWER']])
  assert.equal(succeeds('running', await client.isMeetingRunning(id)).running, 'true')

  succeeds('end', await client.end(id, rooms.moderatorPW), 'sentEndMeetingRequest')
  await eventually('the end', () => client.getMeetingInfo(id), (a) => a.messageKey === 'notFound')
  const left = await eventually('the end in lists', () => client.getMeetings(), (a) => mine(a).length === 0)
  show('meetings, none', left)
  assert.equal(left.messageKey, 'noMeetings')
}

async function recordings() {
  const state = 'processing,processed,published,unpublished'
  const all = await eventually('a recording', () => client.getRecordings({ meetingID: id, state }), (a) => list(a.recordings, 'recording').length === 1)
  const [r] = succeeds('recordings', all).recordings
  assert.equal(r.meetingID, id)
  assert.equal(r.published, 'true')
  assert.equal(r.metadata.term, '1')
  assert.equal(succeeds('unpublish', await client.publishRecordings(r.recordID, false)).published, 'false')
  const [hidden] = succeeds('unpublished', await client.getRecordings({ recordID: r.recordID, state: 'unpublished' })).recordings
  assert.equal(hidden.state, 'unpublished')
  assert.equal(succeeds('update', await client.updateRecordings(r.recordID, { meta_term: '2 & 3', meta_new: 'x' })).updated, 'true')
  const [changed] = list((await client.getRecordings({ recordID: r.recordID, meta_new: 'x' })).recordings, 'recording')
  assert.equal(changed.metadata.new, 'x')
  fails('publish, none', await client.publishRecordings('no-such-recording', true), 'notFound')
  assert.equal(succeeds('delete', await client.deleteRecordings(r.recordID)).deleted, 'true')
  succeeds('recordings, none', await client.getRecordings({ recordID: r.recordID }), 'noRecordings')
}

async function hooks() {
  const at = `http://127.0.0.1:9/hook?of=${run}&x=${encodeURIComponent('ä b')}`
  const created = succeeds('hook', await client.createHook(at, { eventID: 'meeting-created,meeting-ended' }))
  assert.equal(created.permanentHook, 'false')
  const again = succeeds('hook again', await client.createHook(at), 'duplicateWarning')
  assert.equal(again.hookID, created.hookID)
  const found = list(succeeds('hooks', await client.listHooks()).hooks, 'hook').filter((h) => h.hookID === created.hookID)
  assert.equal(found.length, 1)
  assert.equal(found[0].callbackURL, at)
  assert.equal(succeeds('no hook', await client.destroyHook(created.hookID)).removed, 'true')
  fails('no hook any more', await client.destroyHook(created.hookID), 'destroyMissingHook')
}

// documents sends what the library makes no call for: bodies, and answers in JSON. It signs the URLs.
async function documents() {
  const post = async (call, params, body) => {
    const answer = await fetch(client.url(call, params), { method: 'POST', body, headers: { 'content-type': 'application/xml' } })
    assert.equal(answer.status, 200, call)
    assert.match(answer.headers.get('content-type'), /^text\/xml/, call)
    return client.parse(await answer.text())
  }
  const modules = (...documents) => `<modules><module name="presentation">${documents.join('')}</module></modules>`
  const slides = modules('<document url="https://example.org/a.pdf" filename="a &amp; b.pdf"/>', `<document name="c.txt">${btoa('words')}</document>`)
  const room = { meetingID: id + '-docs', ...rooms }
  succeeds('create with documents', await post('create', { ...room, name: 'Slides' }, slides), '')
  succeeds('insertDocument', await post('insertDocument', { meetingID: room.meetingID }, modules('<document url="https://example.org/d.pdf"/>')))
  succeeds('chat', await client.parse(await (await fetch(client.url('sendChatMessage', { meetingID: room.meetingID, message: odd }))).text()))
  const tracks = await fetch(client.url('getRecordingTextTracks', { recordID: 'no-such-recording' }))
  assert.match(tracks.headers.get('content-type'), /^application\/json/)
  show('tracks', await tracks.json())
  succeeds('end with documents', await client.end(room.meetingID, rooms.moderatorPW))
  await eventually('the end', () => client.isMeetingRunning(room.meetingID), (a) => a.running === 'false')
}

async function refusals() {
  const stranger = connect(url, secret + 'x')
  fails('wrong secret', await stranger.getMeetings(), 'checksumError')
  fails('wrong secret, create', await stranger.create('Mine', id, rooms), 'checksumError')
  fails('no ID', await client.getMeetingInfo(''), 'missingParamMeetingID')
  // What is verified is what was sent, byte for byte, and nothing that means the same.
  succeeds('sent as signed', await client.create(sentAsSigned, id + '-odd', rooms), '')
  assert.equal((await client.getMeetingInfo(id + '-odd')).meetingName, sentAsSigned)
  succeeds('end', await client.end(id + '-odd', rooms.moderatorPW))
  fails('sent otherwise', await client.create(sentOtherwise, id + '-odder', rooms), 'checksumError')
}

await meetings()
await recordings()
await hooks()
if (client.url) await documents()
await refusals()
console.log(`${library} cannot tell the difference`)
