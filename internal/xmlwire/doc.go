// Package xmlwire reads and writes the XML of BigBlueButton servers.
//
// A type is described once, one line per field, and the description serves
// both directions:
//
//	var meetingRecord = xmlwire.NewRecord(
//		xmlwire.String("meetingName", func(m *Meeting) *string { return &m.Name }),
//		xmlwire.Int("participantCount", func(m *Meeting) *int { return &m.Participants }),
//		xmlwire.List("attendees", "attendee", func(m *Meeting) *[]Attendee { return &m.Attendees }, attendeeRecord),
//	)
//
//	err := meetingRecord.Decode(body, "response", &m, xmlwire.Limits{})
//	dst = meetingRecord.Append(dst, "response", &m)
//
// # Why not encoding/xml
//
// It takes about a hundred microseconds for a meeting, which is most of the
// cost of asking fifty servers. This package reads a body in one pass,
// without reflection and without a tree: a scanner (scan.go, tag.go) checks
// and cuts the body into tags and text, a walk (walk.go) leads from one child
// element to the next, a decoder (decode.go) gathers text, and fields
// (scalar.go, structure.go) store what they are handed.
//
// # Why it is fast
//
// Five things, of which a description knows nothing: what stands between two
// values is compared with what stood there the last time (walk.go,
// walk_attrs.go), text is looked at eight bytes at a time (words.go), texts
// share small chunks of memory, and those that come again and again are kept
// once (memory.go), and lists and maps are made once, of their size (list.go).
// Each has a plain way beside it that is always right, and that every difference
// falls back to. A new field is one line and gets all of it; Common and Enum say
// that its values repeat. What is asked for again and again is compared with the
// last time, and read only where it changed (reuse.go).
//
// # Why a body is read whole
//
// A decoder that reads as the bytes come in would save the buffer of the body:
// 0.9 MB for a list of 200 full meetings, of which those 200 take half as much
// for as long as they are known; of 50 servers with 40 meetings each, 9 MB at
// most at one time, in buffers that the next round uses again. It would pay for
// that with a window that moves under every span, and could compare neither with
// the bytes of the last meeting nor with the hash of a list without keeping
// more of them. Nor would an answer come any sooner: what takes time is waiting
// for its first byte.
//
// # What is read
//
// Elements and attributes are matched by their local name; namespaces are
// ignored. Those without a field are passed over, whatever is in them. Text
// and CDATA of an element are joined, comments, processing instructions and
// child elements in it are left out, line ends become line feeds, and white
// space at the ends stays unless the field says otherwise. Attributes are
// texts like elements; their white space is not normalised. A byte order mark
// is passed over, and an XML declaration may follow white space: both are
// harmless habits of proxies.
//
// # What is refused
//
// Everything that is not well-formed XML 1.0 in UTF-8 to its last byte, and
// more: any document type or entity declaration, and nesting or numbers of
// elements beyond Limits. Where encoding/xml is laxer, an answer that only it
// can read is damaged. The fuzz test FuzzDifferential names every difference.
//
// Errors hold places and names of elements but no values, which can be
// passwords.
package xmlwire
