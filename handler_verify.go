package bbb

import (
	"context"
	"slices"
	"strings"
)

// What servers say about checksums. Those of recordings and those of bbb-webhooks are found wrong
// by other code, which says it in its own words.
const (
	keyChecksum             = "checksumError"
	messageNoChecksum       = "You must provide the checksum"
	messageChecksum         = "Checksums do not match"
	messageRecordsChecksum  = "You did not pass the checksum security check"
	messageWebhooksChecksum = "You did not pass the checksum security check."
)

// unknownSecrets are what the checksum of an unknown tenant is compared with, so that it takes as long as
// that of a known one.
var unknownSecrets = []string{"the secret of nobody at all, whose checksum is of no use"}

// authenticate finds the tenant who signed the request. No parameter has been looked at before.
func (x *exchange) authenticate(ctx context.Context) *Response {
	given, err := x.readSignatures()
	switch {
	case err != nil:
		return x.unreadable(err)
	case !given:
		return x.unsigned(messageNoChecksum)
	}
	x.asked = TenantQuery{Host: hostOf(x.r), Path: x.prefix, Call: x.call, signatures: &x.signatures}
	t, err := x.h.cfg.tenants(ctx, &x.asked)
	if err != nil {
		return x.refuse(keyInternalError, messageInternal, err)
	}
	if t == nil {
		x.signatures.by(unknownSecrets)
		return x.unsigned(messageChecksum)
	}
	if !x.signatures.by(t.Secrets) {
		return x.unsigned(messageChecksum)
	}
	x.tenant = t
	return nil
}

// readSignatures reads the checksums that the request may have, any of which makes it a signed one: it is
// one text that is signed, unless a form is signed in one of several ways. given is false when there is
// no checksum at all.
func (x *exchange) readSignatures() (given bool, err error) {
	query, cfg := x.r.URL.RawQuery, &x.h.cfg
	add := func(before, after, checksum string) {
		if s, ok := readSignature(x.call, before, after, checksum, cfg.algorithms); ok {
			x.signatures.add(s)
		}
	}
	if !isPlain(query) && strings.ContainsFunc(query, isControl) {
		return true, nil // servers take these out before they hash, and nobody sends them
	}
	if before, after, checksum, ok := cutChecksum(query); ok {
		if x.kind != paramsBody || slices.Contains(cfg.forms, SignQuery) {
			add(before, after, checksum)
		}
		return checksum != "", nil
	}
	if x.kind != paramsBody || hasChecksum(query) {
		return hasChecksum(query), nil
	}
	if err := x.readForm(); err != nil {
		return true, err
	}
	f := &x.form
	if f.checksum == "" {
		return f.twice, nil
	}
	if slices.Contains(cfg.forms, SignQuery) {
		add(query, "", f.checksum)
	}
	if slices.Contains(cfg.forms, SignForm) && query == "" {
		if f.raw {
			add(f.before, f.after, f.checksum)
		}
		if text, ok := javaQuery(f.params); ok {
			add(text, "", f.checksum)
		}
	}
	return true, nil
}

// signatures are those that one request may have: one, but for forms.
type signatures struct {
	list []signature
	room [1]signature
}

func (l *signatures) add(s signature) {
	if l.list == nil {
		l.list = l.room[:0]
	}
	l.list = append(l.list, s)
}

// by reports whether one of the signatures was made with one of the secrets. It looks at all of them, so that
// the time it takes does not tell which.
func (l *signatures) by(secrets []string) bool {
	found := false
	for _, secret := range secrets {
		for i := range l.list {
			found = l.list[i].by(secret) || found
		}
	}
	return found
}

// hasChecksum reports whether there is a parameter of that name in a raw query.
func hasChecksum(query string) bool {
	return strings.HasPrefix(query, "checksum=") || strings.Contains(query, "&checksum=")
}

// unsigned answers a request whose checksum is missing or wrong, in the words that a server has for the
// call, which is XML even for calls that are answered in JSON, but for an upload without a checksum. A
// join is sent away as by a server only if the group has a place for that: the one in the request is not
// signed, and anybody could make links to us that lead there.
func (x *exchange) unsigned(message string) *Response {
	q := x.incoming()
	switch x.call {
	case callJoin:
		if q.scope.group.logoutURL != "" {
			return q.sendAway(new(JoinParams), keyChecksum, message, nil)
		}
	case callPutTextTrack:
		if message == messageNoChecksum {
			return q.refuse("paramError", "Missing param checksum.", nil)
		}
		message = messageRecordsChecksum
	case callHooksCreate, callHooksList, callHooksDestroy:
		message = messageWebhooksChecksum
	default:
		if aboutRecordings(x.call) {
			message = messageRecordsChecksum
		}
	}
	return q.refuseXML(keyChecksum, message, nil)
}
