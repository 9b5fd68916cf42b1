package bbbtest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// visit is one stay of a person in a meeting.
type visit struct {
	internalID, externalID, name string
	moderator                    bool
	joined, left                 time.Time
}

// depart notes that somebody left.
func (m *meeting) depart(internalID string, now time.Time) {
	for i := range m.visits {
		if v := &m.visits[i]; v.internalID == internalID && v.left.IsZero() {
			v.left = now
		}
	}
}

// sayAnalytics sends what happened in a meeting that has ended, if its events were kept. There is
// one try. Only the token is signed, not the body.
func (s *Server) sayAnalytics(m *meeting) {
	target := strings.TrimSpace(m.Metadata["analytics-callback-url"])
	if target == "" || !m.Record && !isTrue(m.Params.Get("meetingKeepEvents"), false) {
		return
	}
	body := jsJSON(s.analytics(m))
	secret := s.secrets[0]
	s.life.start(false, func(ctx context.Context) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(body))
		if err != nil {
			return
		}
		claims := fmt.Sprintf(`{"exp":%d}`, time.Now().Add(24*time.Hour).Unix())
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("User-Agent", "BigBlueButton Analytics Callback")
		r.Header.Set("Authorization", "Bearer "+jwt("HS512", `{"typ":"JWT","alg":"HS512"}`, claims, secret))
		s.send(r, 0)
	})
}

type learner struct {
	ID         string         `json:"ext_user_id"`
	Name       string         `json:"name"`
	Moderator  bool           `json:"moderator"`
	Joins      []string       `json:"joins"`
	Leaves     []string       `json:"leaves"`
	Duration   int64          `json:"duration"`
	LastTalk   string         `json:"recent_talking_time"`
	Engagement map[string]int `json:"engagement"`
}

// analytics is the body of the callback. How times are written is not known; the fake takes RFC 3339.
func (s *Server) analytics(m *meeting) any {
	learners := []*learner{}
	byID := map[string]*learner{}
	for _, v := range m.visits {
		p := byID[v.externalID]
		if p == nil {
			p = &learner{ID: v.externalID, Name: v.name, Moderator: v.moderator, Engagement: map[string]int{
				"chats": 0, "talks": 0, "raisehand": 0, "emojis": 0, "poll_votes": 0, "talk_time": 0,
			}}
			byID[v.externalID] = p
			learners = append(learners, p)
		}
		p.Joins = append(p.Joins, v.joined.UTC().Format(time.RFC3339))
		p.Leaves = append(p.Leaves, v.left.UTC().Format(time.RFC3339))
		p.Duration += int64(v.left.Sub(v.joined) / time.Second)
	}
	files := []string{}
	for _, d := range m.Documents {
		files = append(files, d.Name)
	}
	meta := map[string]string{}
	for key, value := range m.Metadata {
		if name := snakeCase(key); !strings.HasPrefix(name, "gl_") && name != "meeting_id" {
			meta[name] = value
		}
	}
	return map[string]any{
		"version": "1.0", "meeting_id": m.MeetingID, "internal_meeting_id": m.InternalID,
		"data": map[string]any{
			"metadata": meta, "duration": int64(m.Ended.Sub(m.Created) / time.Second),
			"start": m.Created.UTC().Format(time.RFC3339), "finish": m.Ended.UTC().Format(time.RFC3339),
			"attendees": learners, "files": files, "polls": []any{},
		},
	}
}

func snakeCase(name string) string {
	var b strings.Builder
	for i, c := range name {
		switch {
		case c == '-':
			b.WriteByte('_')
		case unicode.IsUpper(c) && i > 0:
			b.WriteByte('_')
			b.WriteRune(unicode.ToLower(c))
		default:
			b.WriteRune(unicode.ToLower(c))
		}
	}
	return b.String()
}
