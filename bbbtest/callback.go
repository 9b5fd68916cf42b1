package bbbtest

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// WithEndWaits sets how long the server waits between the tries to say that a meeting ended,
// overriding the default of 30 s, 60 s, 120 s and 300 s. There is one more try than waits.
func WithEndWaits(waits ...time.Duration) Option {
	return func(c *config) { c.endWaits = slices.Clone(waits) }
}

// WithEndProbe makes each try to say that a meeting ended two GETs, as one text of the server has
// it: a probe, which must be answered with exactly 200 after at most five redirects, and then the
// real one. The default is the real one alone.
func WithEndProbe() Option {
	return func(c *config) { c.endProbe = true }
}

// WithEndMarks sets whether recordingmarks is added to a meetingEndedURL, overriding the default of
// the release: from 3.0 on. To meta_endCallbackUrl it is always added. The texts of the server
// disagree about the releases.
func WithEndMarks(on bool) Option {
	return func(c *config) { c.endMarks = &on }
}

// WithReadyAlgorithm sets how the token is signed that says that a recording is ready, HS256 or
// HS512, overriding the default of HS256. Scalelite uses the other one in some setups.
func WithReadyAlgorithm(name string) Option {
	if name != "HS256" && name != "HS512" {
		panic("bbbtest: WithReadyAlgorithm: unknown algorithm " + name)
	}
	return func(c *config) { c.readyAlgorithm = name }
}

// listened reports whether somebody wants to be told of what becomes of a meeting.
func (s *Server) listened(m *meeting) bool {
	return len(s.hooks.list) > 0 || len(s.endCallbacks(m)) > 0 || readyURL(m.Metadata) != "" || m.Metadata["analytics-callback-url"] != ""
}

// endCallbacks returns the URLs to be called when a meeting has ended.
func (s *Server) endCallbacks(m *meeting) []string {
	if m.Breakout {
		return nil
	}
	var urls []string
	marks := "recordingmarks=" + strconv.FormatBool(m.marked)
	if u := strings.TrimSpace(m.Params.Get("meetingEndedURL")); u != "" {
		if on := s.conf.endMarks; on != nil && *on || on == nil && s.conf.release.atLeast(3, 0) {
			u = withQuery(u, marks)
		}
		urls = append(urls, u)
	}
	if u := strings.TrimSpace(m.Metadata["endcallbackurl"]); u != "" {
		urls = append(urls, withQuery(u, marks+"&meetingID="+url.QueryEscape(m.MeetingID)))
	}
	return urls
}

// sayEnded delivers the news that a meeting has ended.
func (s *Server) sayEnded(target string) {
	s.life.start(true, func(ctx context.Context) {
		for try := 0; ; try++ {
			if s.endTry(ctx, target) || try >= len(s.conf.endWaits) || !pause(ctx, s.conf.endWaits[try]) {
				return
			}
		}
	})
}

func (s *Server) endTry(ctx context.Context, target string) bool {
	if s.conf.endProbe {
		for redirects := 0; ; redirects++ {
			status, location := s.get(ctx, target, "Mozilla")
			if status == http.StatusOK {
				break
			}
			moved := status == http.StatusMovedPermanently || status == http.StatusFound || status == http.StatusSeeOther
			if !moved || location == "" || redirects == 5 {
				return false
			}
			target = location
		}
	}
	status, _ := s.get(ctx, target, "")
	return is2xx(status)
}

func (s *Server) get(ctx context.Context, target, agent string) (status int, location string) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return 0, ""
	}
	if agent != "" {
		r.Header.Set("User-Agent", agent)
	}
	return s.send(r, 0)
}

// readyURL is where to say that a recording is ready; two older names count as well.
func readyURL(meta map[string]string) string {
	for _, name := range []string{"bbb-recording-ready-url", "bn-recording-ready-url", "canvas-recording-ready-url"} {
		if u := strings.TrimSpace(meta[name]); u != "" {
			return u
		}
	}
	return ""
}

// sayReady tells that a recording is ready, once for each format, one after the other. There is one
// try. The script gives the token no header of its own, so it has alg only.
func (s *Server) sayReady(r *recording) {
	target := readyURL(r.Metadata)
	if target == "" {
		return
	}
	alg := s.conf.readyAlgorithm
	claims := jsJSON(struct {
		MeetingID string `json:"meeting_id"`
		RecordID  string `json:"record_id"`
	}{r.MeetingID, r.RecordID})
	body := form(true, field{"signed_parameters", jwt(alg, `{"alg":"`+alg+`"}`, claims, s.secrets[0])})
	times := len(r.Formats)
	s.life.start(false, func(ctx context.Context) {
		for range times {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(body))
			if err != nil {
				return
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			s.send(req, 0)
		}
	})
}
