package bbb_test

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/require"
)

// recordingHost is as much of a server as calls about recordings need. It pages the
// way it is told, in an order of its own, and keeps what it was asked.
type recordingHost struct {
	paging pagingKind
	fail   func(call string, n int) bool // breaks the connection at the nth request of a call

	mu       sync.Mutex // protects the fields below
	recs     []rec
	tracks   map[string]int // recording ID -> uploads
	requests []string       // call?query, without the checksum
	counts   map[string]int
}

// rec is a recording as a server keeps it.
type rec struct {
	id, meeting, state string
	start, end         int64
	formats            int
	meta               map[string]string
}

type pagingKind int

const (
	totals    pagingKind = iota // as since 2.7
	blocks                      // as 2.6
	unpaged                     // as before 2.6: everything, whatever was asked
	untotaled                   // pages, and does not say how many there are
)

func (h *recordingHost) RoundTrip(r *http.Request) (*http.Response, error) {
	raw, _, _ := strings.Cut(r.URL.RawQuery, "checksum=")
	raw = strings.TrimSuffix(raw, "&")
	call := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	h.mu.Lock()
	if h.counts == nil {
		h.counts = map[string]int{}
	}
	h.counts[call]++
	n := h.counts[call]
	h.requests = append(h.requests, r.Method+" "+call+"?"+raw)
	h.mu.Unlock()
	if h.fail != nil && h.fail(call, n) {
		return nil, fmt.Errorf("connection refused by test")
	}
	return handled(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		_ = r.ParseForm()
		maps.Copy(q, r.PostForm)
		_, _ = w.Write([]byte(h.answer(call, q)))
	}).RoundTrip(r)
}

func (h *recordingHost) answer(call string, q url.Values) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	ids := strings.Split(q.Get("recordID"), ",")
	switch call {
	case "getRecordings":
		return h.list(q)
	case "getRecordingTextTracks":
		if !slices.ContainsFunc(h.recs, func(r rec) bool { return r.id == ids[0] }) {
			return `{"response":{"returncode":"FAILED","messageKey":"noRecordings","message":"No recording found for it"}}`
		}
		return fmt.Sprintf(`{"response":{"returncode":"SUCCESS","tracks":[{"href":"https://x.example/%d.vtt","kind":"captions","lang":"de"}]}}`, h.tracks[ids[0]])
	case "putRecordingTextTrack":
		if h.tracks == nil {
			h.tracks = map[string]int{}
		}
		h.tracks[ids[0]]++
		return `{"response":{"returncode":"SUCCESS","messageKey":"upload_text_track_success","recordId":"x"}}`
	}
	known := false
	h.recs = slices.DeleteFunc(h.recs, func(r rec) bool {
		has := slices.Contains(ids, r.id)
		known = known || has
		return has && call == "deleteRecordings"
	})
	for i := range h.recs {
		r := &h.recs[i]
		if !slices.Contains(ids, r.id) {
			continue
		}
		switch call {
		case "publishRecordings":
			r.state = map[bool]string{true: "published", false: "unpublished"}[q.Get("publish") == "true"]
		case "updateRecordings":
			for name, values := range q {
				if key, ok := strings.CutPrefix(name, "meta_"); ok {
					if values[0] == "" {
						delete(r.meta, strings.ToLower(key))
						continue
					}
					r.meta[strings.ToLower(key)] = values[0]
				}
			}
		}
	}
	if !known {
		return `<response><returncode>FAILED</returncode><messageKey>notFound</messageKey><message>We could not find recordings</message></response>`
	}
	return `<response><returncode>SUCCESS</returncode></response>`
}

func (h *recordingHost) list(q url.Values) string {
	var found []rec
	for _, r := range h.recs {
		if r.matches(q) {
			found = append(found, r)
		}
	}
	total := len(found)
	var b strings.Builder
	b.WriteString("<response><returncode>SUCCESS</returncode>")
	if limit, _ := strconv.Atoi(q.Get("limit")); limit > 0 && h.paging != unpaged {
		offset, _ := strconv.Atoi(q.Get("offset"))
		from := min(offset, total)
		found = found[from : from+min(limit, total-from)]
		switch h.paging {
		case totals:
			fmt.Fprintf(&b, "<totalElements>%d</totalElements>", total)
		case blocks:
			fmt.Fprintf(&b, "<pagination><pageable><offset>%d</offset></pageable><totalElements>%d</totalElements></pagination>", offset, total)
		}
	}
	if len(found) == 0 {
		b.WriteString("<messageKey>noRecordings</messageKey>")
	}
	b.WriteString("<recordings>")
	for _, r := range found {
		r.write(&b)
	}
	b.WriteString("</recordings></response>")
	return b.String()
}

func (r rec) write(b *strings.Builder) {
	fmt.Fprintf(b, "<recording><recordID>%s</recordID><meetingID>", r.id)
	_ = xml.EscapeText(b, []byte(r.meeting))
	fmt.Fprintf(b, "</meetingID><name>N</name><published>%t</published><state>%s</state>", r.state == "published", r.state)
	fmt.Fprintf(b, "<startTime>%d</startTime><endTime>%d</endTime><metadata>", r.start, r.end)
	for key, value := range r.meta {
		fmt.Fprintf(b, "<%s>", key)
		_ = xml.EscapeText(b, []byte(value))
		fmt.Fprintf(b, "</%s>", key)
	}
	b.WriteString("</metadata><playback>")
	for i := range r.formats {
		fmt.Fprintf(b, "<format><type>t%d</type><url>https://x.example/%s/%d</url><length>45</length></format>", i, r.id, i)
	}
	b.WriteString("</playback></recording>")
}

// matches is the filter of a server, written from its documentation.
func (r rec) matches(q url.Values) bool {
	if list := q.Get("recordID"); list != "" {
		if !slices.ContainsFunc(strings.Split(list, ","), func(p string) bool { return strings.HasPrefix(r.id, p) }) {
			return false
		}
	} else if list := q.Get("meetingID"); list != "" && !slices.Contains(strings.Split(list, ","), r.meeting) {
		return false
	}
	states := strings.Split(q.Get("state"), ",")
	if q.Get("state") == "" {
		states = []string{"published", "unpublished"}
	}
	if !slices.Contains(states, "any") && !slices.Contains(states, r.state) {
		return false
	}
	for name, values := range q {
		key, ok := strings.CutPrefix(name, "meta_")
		if !ok {
			continue
		}
		got, has := r.meta[strings.ToLower(key)]
		want := values[0]
		switch inner := strings.Trim(want, "%"); {
		case !has:
			return false
		case strings.HasPrefix(want, "%") && strings.HasSuffix(want, "%"):
			ok = strings.Contains(got, inner)
		case strings.HasPrefix(want, "%"):
			ok = strings.HasSuffix(got, inner)
		case strings.HasSuffix(want, "%"):
			ok = strings.HasPrefix(got, inner)
		default:
			ok = got == want
		}
		if !ok {
			return false
		}
	}
	return true
}

// asked returns the requests of a call, and forgets all.
func (h *recordingHost) asked(call string) (found []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.requests {
		if strings.Contains(r, " "+call+"?") {
			found = append(found, r)
		}
	}
	h.requests = nil
	return found
}

// states tells the state of each recording.
func (h *recordingHost) states() map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	states := map[string]string{}
	for _, r := range h.recs {
		states[r.id] = r.state
	}
	return states
}

// hostServer makes a server, alone in its group, that is h.
func hostServer(t testing.TB, h *recordingHost, opts ...bbb.ServerOption) *bbb.Server {
	t.Helper()
	g := hostGroup(t, nil)
	return addHost(t, g, h, opts...)
}

// hostGroup makes a group of servers bbb1, bbb2 and so on.
func hostGroup(t testing.TB, hosts []*recordingHost) *bbb.Group {
	t.Helper()
	g := newEmptyGroup(t)
	for _, h := range hosts {
		addHost(t, g, h)
	}
	return g
}

func addHost(t testing.TB, g *bbb.Group, h *recordingHost, opts ...bbb.ServerOption) *bbb.Server {
	t.Helper()
	name := fmt.Sprintf("bbb%d", g.Len()+1)
	s, err := g.New(name, "https://"+name+".test/bigbluebutton/", wireSecret, append([]bbb.ServerOption{bbb.WithTransport(h)}, opts...)...)
	require.NoError(t, err)
	return s
}

// someRecs makes n published recordings, one a minute, the last one newest, in an
// order that is not that of time.
func someRecs(prefix string, n int) []rec {
	recs := make([]rec, n)
	for i := range recs {
		start := int64(1_700_000_000_000 + i*60_000)
		recs[(i*7919+13)%n] = rec{
			id: fmt.Sprintf("%s-%05d", prefix, i), meeting: "room", state: "published",
			start: start, end: start + 1000, formats: 1, meta: map[string]string{"school": "north"},
		}
	}
	return recs
}

func recordIDs(list []*bbb.Recording) []string {
	ids := make([]string, len(list))
	for i, r := range list {
		ids[i] = r.ID
	}
	return ids
}

// collect runs through an iterator of recordings.
func collect(seq func(func(*bbb.Recording, error) bool)) (list []*bbb.Recording, err error) {
	for r, e := range seq {
		if e != nil {
			return list, e
		}
		list = append(list, r)
	}
	return list, nil
}

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
