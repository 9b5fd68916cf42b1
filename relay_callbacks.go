package bbb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// endsRemembered is for how long an end that was delivered is not delivered again. Some releases ask twice in a row,
// once to see whether the URL is there; and whoever knows the URL could ask without end.
const endsRemembered = time.Second

// serveEnded takes the news that a meeting has ended. Nobody signs it, and users may have seen the
// URL in the metadata, so the group is asked.
func (r *relay) serveEnded(w http.ResponseWriter, req *http.Request, a *arrived) {
	c := r.configs[a.kind]
	if !c.method(w, req, http.MethodGet, http.MethodHead) {
		return
	}
	if req.Method == http.MethodHead {
		reply(w, http.StatusOK)
		return
	}
	marks := req.URL.Query().Get("recordingmarks")
	marked := strings.EqualFold(marks, "true")
	// Not the whole query: nothing else of it goes on, so another one would be no other news.
	key, status := sha256.Sum256([]byte(a.url+" "+strconv.FormatBool(marked))), 0
	switch r.ends.begin(key, time.Now()) {
	case eventDone:
		reply(w, http.StatusOK)
		return
	case eventRunning:
		reply(w, http.StatusServiceUnavailable)
		return
	}
	defer func() { r.ends.end(key, status/100 == 2, time.Now()) }()
	ctx, cancel := context.WithTimeout(req.Context(), DefaultCallbackTimeout)
	defer cancel()
	switch over, err := r.isOver(ctx, a.meeting); {
	case err != nil:
		c.failed(ctx, err)
		reply(w, http.StatusServiceUnavailable)
		return
	case !over:
		c.refuse(w, req, http.StatusConflict, "the meeting is still going on")
		return
	}
	id := a.q.shownID(a.meeting)
	var query []byte
	if marks != "" || a.kind == relayEnd {
		query = appendParam(query, "recordingmarks", strconv.FormatBool(marked))
	}
	if a.kind == relayEnd {
		query = appendParam(query, "meetingID", id)
	}
	job := &delivery{
		meeting: id, size: len(a.target), waits: endWaits, done: noStatus,
		request: func(*Tenant) (*http.Request, error) {
			return http.NewRequest(http.MethodGet, withQuery(a.target, string(query)), http.NoBody) //nolint:noctx,gosec // the deliverer gives it its context, and looks at where it goes
		},
	}
	var err error
	if status, err = r.pass(ctx, a, job); err != nil {
		c.failed(ctx, err)
		reply(w, http.StatusServiceUnavailable)
		return
	}
	reply(w, http.StatusOK)
}

// isOver reports whether a meeting has ended. A server that does not answer cannot hold the news
// back for long: the one with the meeting was there to send it. So when others say that they do not have
// the meeting, it is believed.
func (r *relay) isOver(ctx context.Context, id string) (bool, error) {
	m, err := r.group.Meeting(ctx, id) // not isMeetingRunning: that is false for a meeting nobody has joined yet
	switch {
	case isNotFound(err), partial(err):
		return true, nil
	case err != nil:
		return false, err
	}
	return m.HasBeenForciblyEnded || !m.EndTime.IsZero(), nil
}

// noStatus is for targets of which nothing but 2xx counts.
func noStatus(int) bool { return false }

// takeReady takes the news that a recording is ready.
func (r *relay) takeReady(ctx context.Context, ready RecordingReady) error {
	a := arrivedOf(ctx)
	// Not compared with a.meeting: breakout rooms have the metadata of their parent.
	id := a.q.shownID(ready.MeetingID)
	job := &delivery{
		meeting: id, size: len(a.target), waits: endWaits, timeout: relayReportTimeout,
		done: func(status int) bool { return status == http.StatusNotFound || status == http.StatusGone },
		request: func(t *Tenant) (*http.Request, error) {
			token, err := signToken("HS256", claims{"meeting_id": id, "record_id": ready.RecordID}, t.Secrets[0])
			if err != nil {
				return nil, err
			}
			return newPost(a.target, contentTypeForm, appendParam(nil, "signed_parameters", token))
		},
	}
	status, err := r.pass(ctx, a, job)
	if err == nil && status == http.StatusGone {
		return ErrUnwanted
	}
	return err
}

// reportTime is how long the token of a report is good, as that of a server.
const reportTime = 24 * time.Hour

// takeReport takes the report of a meeting.
func (r *relay) takeReport(ctx context.Context, report AnalyticsReport) error {
	a := arrivedOf(ctx)
	body := a.q.ownReport(report.Raw)
	job := &delivery{
		meeting: a.q.shownID(report.MeetingID), size: len(body), waits: endWaits, timeout: relayReportTimeout, done: noStatus,
		request: func(t *Tenant) (*http.Request, error) {
			token, err := signToken("HS512", claims{"exp": time.Now().Add(reportTime).Unix()}, t.Secrets[0])
			if err != nil {
				return nil, err
			}
			req, err := newPost(a.target, contentTypeJSON, body)
			if err == nil {
				req.Header.Set("Authorization", "Bearer "+token)
				req.Header.Set("User-Agent", "BigBlueButton Analytics Callback")
			}
			return req, err
		},
	}
	_, err := r.pass(ctx, a, job)
	return err
}

// ownReport returns a report as the tenant may see it.
func (q *incoming) ownReport(report json.RawMessage) json.RawMessage {
	return editMembers(report, func(name string, value json.RawMessage) json.RawMessage {
		switch name {
		case "meeting_id":
			return q.ownID(value)
		case "data":
			return editMembers(value, func(name string, value json.RawMessage) json.RawMessage {
				if name == "metadata" {
					return q.ownJSON(value)
				}
				return value
			})
		}
		return value
	})
}

// newPost makes a request that can be sent again by redirects, for the deliverer to give it its context.
func newPost(target, contentType string, body []byte) (*http.Request, error) {
	req, err := http.NewRequest(http.MethodPost, withQuery(target, ""), bytes.NewReader(body)) //nolint:noctx // see above
	if err == nil {
		req.Header.Set("Content-Type", contentType)
	}
	return req, err
}
