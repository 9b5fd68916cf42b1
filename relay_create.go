package bbb

import (
	"maps"
	"strings"
)

// relayedMeta are the metadata, in lower case, that hold the URL of a callback.
var relayedMeta = map[string]relayKind{
	strings.ToLower(MetaEndCallbackURL): relayEnd,
	MetaRecordingReadyURL:               relayReady,
	MetaRecordingReadyURLBN:             relayReady,
	MetaRecordingReadyURLCanvas:         relayReady,
	MetaAnalyticsCallbackURL:            relayAnalytics,
}

// tenantName is the name of the caller; empty without a tenant.
func (q *incoming) tenantName() string {
	if q.tenant == nil {
		return ""
	}
	return q.tenant.Name
}

// relayCreate has the callbacks of a meeting go through the relay, if there is one. p, whose meeting
// ID is that of the servers already, is changed in place, its metadata too. The answer is nil, or why the
// meeting cannot be created.
func (q *incoming) relayCreate(p *CreateParams) *Response {
	if q.relay == nil {
		return nil
	}
	q.relay.tendHooks(false)
	const ended = "meetingEndedURL"
	for _, target := range []string{p.MeetingEndedURL, p.Extra.Get(ended)} { // it is there if it looked like no URL
		if strings.TrimSpace(target) == "" {
			continue
		}
		full, ok := q.relay.urls.seal(relayEnded, &sealed{tenant: q.tenantName(), meeting: p.MeetingID, target: target})
		if !ok {
			return q.urlTooLong(ended)
		}
		p.MeetingEndedURL = full
		delete(p.Extra, ended)
	}
	return q.relayMeta(p.Meta, p.MeetingID)
}

// relayMeta is relayCreate for metadata alone. The ID, that of the servers, is empty when it is not
// known. A value that is no URL is sealed like one: it comes back as it was, and nobody calls it.
func (q *incoming) relayMeta(meta map[string]string, realID string) *Response {
	if q.relay == nil {
		return nil
	}
	for key, value := range meta {
		kind, ok := relayedMeta[strings.ToLower(key)]
		if !ok || strings.TrimSpace(value) == "" {
			continue
		}
		full, ok := q.relay.urls.seal(kind, &sealed{tenant: q.tenantName(), meeting: realID, target: value})
		if !ok {
			return q.urlTooLong("meta_" + key)
		}
		meta[key] = full
	}
	return nil
}

func (q *incoming) urlTooLong(param string) *Response {
	return q.refuse(keyValidation, "The URL in "+param+" is too long.",
		&ParamError{Call: q.call, Param: param, Problem: "is too long to be relayed"})
}

// ownURLs returns metadata as the caller may see it: where the servers were given URLs of the relay, with the
// caller's. Others hold what comes in, so what is changed is a copy.
func (q *incoming) ownURLs(meta map[string]string) map[string]string {
	if q.relay == nil {
		return meta
	}
	changed := false
	for key, value := range meta {
		target, ours := q.relay.urls.target(q.tenantName(), value)
		if !ours {
			continue
		}
		if !changed {
			meta, changed = maps.Clone(meta), true
		}
		if target == "" {
			delete(meta, key)
		} else {
			meta[key] = target
		}
	}
	return meta
}
