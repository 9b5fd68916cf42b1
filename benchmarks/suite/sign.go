package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/bbbgroup/bbb"
)

const secret = "a secret of these benchmarks"

func signPart(r *report) {
	g := newGroup(1)
	defer closeGroup(g)
	s, _ := g.Server("bbb0")
	ctx := context.Background()
	p := joinOf25()
	query := signedQuery(must2(s.JoinURL(ctx, p)))
	base := []byte(s.BaseURL() + "/join?")
	text := []byte("join" + query + secret)
	var buf []byte
	hashAndString := func() string {
		buf = append(append(append(buf[:0], "join"...), query...), secret...)
		sum := sha256.Sum256(buf)
		buf = append(append(append(buf[:0], base...), query...), "&checksum="...)
		buf = hex.AppendEncode(buf, sum[:])
		return string(buf)
	}
	vs := []variant{
		{"limit: the hash plus one string", 1, func() { filled(hashAndString()) }},
		{"this library, typed parameters", 1, func() { filled(must2(s.JoinURL(ctx, p))) }},
		{"this library, url.Values", 1, valuesURL(s, p)},
	}
	got := compare(r.effort, vs...)
	r.compared("Sign a join with 25 parameters", "URL", fmt.Sprintf("%d bytes of query. A create is encoded and signed by the same code.", len(query)), got, vs...)
	mine := got[vs[1].name]
	r.times("sign 25 typed parameters, of the hash plus one string", 2, ratioOf(mine, got[vs[0].name]))
	r.atMost("sign, allocations", 2, 0, mine.allocs, "")

	whole := query + "&checksum=" + bbb.SHA256.Checksum("join", query, secret)
	vs = []variant{
		{"limit: the hash alone", 1, func() { differs(sha256.Sum256(text)) }},
		{"this library", 1, func() {
			if !bbb.Verify("join", whole, secret) {
				panic("not verified")
			}
		}},
	}
	got = compare(r.effort, vs...)
	r.compared("Verify an inbound query", "query", "", got, vs...)
	r.atMost("verify, allocations beyond the hash", 0, 0, got["this library"].allocs, "")
}

// filled and differs look at what was made, so that making it is not optimised away.
func filled(text string) {
	if text == "" {
		panic("nothing was made")
	}
}

func differs(sum [sha256.Size]byte) {
	if sum == [sha256.Size]byte{} {
		panic("nothing was hashed")
	}
}

func valuesURL(s *bbb.Server, p bbb.JoinParams) func() {
	values := p.Values()
	return func() { filled(s.URL("join", values)) }
}

// signedQuery is the query of a URL without its checksum.
func signedQuery(rawURL string) string {
	_, query, _ := bytes.Cut([]byte(rawURL), []byte("?"))
	signed, _, _ := bbb.CutChecksum(string(query))
	return signed
}

func joinOf25() bbb.JoinParams {
	p := bbb.JoinParams{
		MeetingID: "course-00001234", FullName: "Zoë O'Neil & friends", Role: bbb.RoleModerator, CreateTime: time.UnixMilli(1531155809613),
		UserID: "user/4711", DefaultLayout: "SMART_LAYOUT", AvatarURL: "https://lms.example.org/user/pix.php/4711/f1.jpg?rev=12",
		WebcamBackgroundURL: "https://lms.example.org/theme/background.png?size=large", Redirect: new(true),
		ErrorRedirectURL: "https://lms.example.org/mod/bigbluebuttonbn/error.php?id=42", Guest: new(false), Auth: new(true),
		ExcludeFromDashboard: new(false), Bot: new(false), EnforceLayout: "CUSTOM_LAYOUT",
		LogoutURL: "https://lms.example.org/mod/bigbluebuttonbn/view.php?id=42&left=1", FirstName: "Zoë", LastName: "O'Neil",
		UserData: map[string]string{},
	}
	for i, key := range []string{"bbb_auto_join_audio", "bbb_skip_check_audio", "bbb_listen_only_mode", "bbb_custom_style", "bbb_client_title", "bbb_show_participants_on_login", "bbb_preferred_camera_profile"} {
		p.UserData[key] = fmt.Sprintf("a value of this setting, number %d", i)
	}
	return p
}
