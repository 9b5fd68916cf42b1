package bbb

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const benchSecret = "a secret of these benchmarks"

// joinOf25 and createOf25 have 25 parameters, with some of each kind and a query of about 1 kB.
func joinOf25() JoinParams {
	p := JoinParams{
		MeetingID: "course-00001234", FullName: "Zoë O'Neil & friends", Role: RoleModerator,
		CreateTime: time.UnixMilli(1531155809613), UserID: "user/4711", DefaultLayout: LayoutSmart,
		AvatarURL:           "https://lms.example.org/user/pix.php/4711/f1.jpg?rev=12",
		WebcamBackgroundURL: "https://lms.example.org/theme/background.png?size=large", Redirect: new(true),
		ErrorRedirectURL: "https://lms.example.org/mod/bigbluebuttonbn/error.php?id=42", Guest: new(false), Auth: new(true),
		ExcludeFromDashboard: new(false), Bot: new(false), EnforceLayout: LayoutCustom,
		LogoutURL: "https://lms.example.org/mod/bigbluebuttonbn/view.php?id=42&left=1", FirstName: "Zoë", LastName: "O'Neil",
		UserData: map[string]string{},
	}
	for i, key := range []string{"auto_join_audio", "skip_check_audio", "listen_only_mode", "custom_style", "client_title", "show_participants_on_login", "preferred_camera_profile"} {
		p.UserData["bbb_"+key] = fmt.Sprintf("a value of this setting, number %d", i)
	}
	return p
}

func createOf25() CreateParams {
	return CreateParams{
		MeetingID: "course-00001234", Name: "Physics 101 – Übung & more", AttendeePW: "for viewers", ModeratorPW: "for moderators",
		VoiceBridge: "70123", DialNumber: "+49 30 1234567", GuestPolicy: GuestPolicyAskModerator,
		Welcome:              "Welcome to <b>%%CONFNAME%%</b>!\nFor help see <a href=\"https://help.example.org/meetings?lang=en\">here</a>.",
		ModeratorOnlyMessage: "To invite others, hand on the link of the course: https://lms.example.org/course/view.php?id=1234.",
		Logo:                 "https://lms.example.org/theme/logo.png?rev=7", LogoutURL: "https://lms.example.org/mod/bigbluebuttonbn/view.php?id=42",
		MeetingEndedURL: "https://lms.example.org/mod/bigbluebuttonbn/ended.php?id=42&course=1234", MaxParticipants: new(250),
		Duration: new(90 * time.Minute), MeetingExpireWhenLastUserLeft: new(5 * time.Minute), MaxPinnedCameras: new(12), Record: new(true), MuteOnStart: new(true),
		LockSettings: LockSettings{DisablePrivateChat: new(true)}, DisabledFeatures: []Feature{FeatureChat, FeaturePolls},
		Meta: map[string]string{
			"bbb-origin": "LMS", "bbb-context": "Physics 101", "bbb-context-id": "1234", "course": "physics-2026",
			"bbb-recording-ready-url": "https://lms.example.org/mod/bigbluebuttonbn/ready.php?bn=42",
		},
	}
}

// benchSigner makes a signed URL.
type benchSigner struct {
	name string
	url  func() string
}

func benchSigners(tb testing.TB) (s *Server, signers []benchSigner) {
	tb.Helper()
	g, err := NewGroup("bench")
	require.NoError(tb, err)
	s, err = NewServer(g, "bbb1", "https://bbb1.example.org/bigbluebutton/", benchSecret)
	require.NoError(tb, err)
	join, create := joinOf25(), createOf25()
	ctx := tb.Context()
	values := join.Values()
	return s, []benchSigner{
		{"join", func() string {
			u, err := s.JoinURL(ctx, join)
			if err != nil {
				tb.Error(err)
			}
			return u
		}},
		{"create", func() string {
			if err := createTable.validate(&create); err != nil {
				tb.Error(err)
			}
			in := newScratch()
			defer in.release()
			in.text = create.appendQuery(append(in.text, callCreate...))
			return s.signedText(in, callCreate)
		}},
		{"values", func() string { return s.URL(callJoin, values) }},
	}
}

// Each signer beside the least that it could do: hash the query and make the URL.
func BenchmarkSign(b *testing.B) {
	s, signers := benchSigners(b)
	for _, signer := range signers {
		target, err := url.Parse(signer.url())
		require.NoError(b, err)
		query, _, _ := CutChecksum(target.RawQuery)
		_, call, _ := strings.Cut(target.Path, "/api/")
		b.Run(signer.name+"/limit", func(b *testing.B) {
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				buf = append(append(append(buf[:0], call...), query...), benchSecret...)
				sum := sha256.Sum256(buf)
				buf = append(append(append(append(append(buf[:0], s.base...), '/'), call...), '?'), query...)
				buf = hex.AppendEncode(append(buf, "&checksum="...), sum[:])
				_ = string(buf)
			}
		})
		b.Run(signer.name+"/bbb", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				signer.url()
			}
		})
	}
}

func BenchmarkVerifyLong(b *testing.B) {
	p := joinOf25()
	query := string(p.appendQuery(nil))
	text := []byte(callJoin + query + benchSecret)
	query += "&checksum=" + SHA256.Checksum(callJoin, query, benchSecret)
	b.Run("limit", func(b *testing.B) {
		for b.Loop() {
			sha256.Sum256(text)
		}
	})
	b.Run("bbb", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !Verify(callJoin, query, benchSecret) {
				b.Fatal("not verified")
			}
		}
	})
}
