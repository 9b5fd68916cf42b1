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

// unknownSecret is what the checksum of an unknown tenant is compared with, so that it takes as long as
// that of a known one.
const unknownSecret = "the secret of nobody at all, whose checksum is of no use"

// authenticate finds the tenant who signed the request. No parameter has been looked at before.
func (x *exchange) authenticate(ctx context.Context) *Response {
	signatures, given, err := x.signatures()
	switch {
	case err != nil:
		return x.unreadable(err)
	case !given:
		return x.unsigned(messageNoChecksum)
	}
	signed := func(secrets []string) bool {
		found := false
		for _, secret := range secrets {
			for i := range signatures {
				found = signatures[i].by(secret) || found
			}
		}
		return found
	}
	t, err := x.h.cfg.tenants(ctx, &TenantQuery{Host: hostOf(x.r), Path: x.prefix, Call: x.call, signed: signed})
	if err != nil {
		return x.refuse(keyInternalError, messageInternal, err)
	}
	if t == nil {
		signed([]string{unknownSecret})
		return x.unsigned(messageChecksum)
	}
	if !signed(t.Secrets) {
		return x.unsigned(messageChecksum)
	}
	x.tenant = t
	return nil
}

// signatures returns the checksums that the request may have, any of which makes it a signed one: it is
// one text that is signed, unless a form is signed in one of several ways. given is false when there is
// no checksum at all.
func (x *exchange) signatures() (list []signature, given bool, err error) {
	query, cfg := x.r.URL.RawQuery, &x.h.cfg
	add := func(before, after, checksum string) {
		if s, ok := readSignature(x.call, before, after, checksum, cfg.algorithms); ok {
			list = append(list, s)
		}
	}
	if strings.ContainsFunc(query, func(r rune) bool { return r < ' ' || r == 0x7F }) {
		return nil, true, nil // servers take these out before they hash, and nobody sends them
	}
	if before, after, checksum, ok := cutChecksum(query); ok {
		if x.kind != paramsBody || slices.Contains(cfg.forms, SignQuery) {
			add(before, after, checksum)
		}
		return list, checksum != "", nil
	}
	if x.kind != paramsBody || hasChecksum(query) {
		return nil, hasChecksum(query), nil
	}
	if err := x.readForm(); err != nil {
		return nil, true, err
	}
	f := &x.form
	if f.checksum == "" {
		return nil, f.twice, nil
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
	return list, true, nil
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
