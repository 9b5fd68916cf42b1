package bbb

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// largeGroup returns a group of a thousand servers with twenty meetings each, half of
// which are so young that seats are held for them.
func largeGroup(b *testing.B) *Group {
	b.Helper()
	g, err := NewGroup("school")
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, g.Close(context.Background())) })
	now := time.Now()
	for i := range 1000 {
		s, err := g.New(fmt.Sprintf("bbb%d", i), fmt.Sprintf("https://bbb%d.example.org", i), "a secret of this benchmark", WithWeight(float64(1+i%2)))
		require.NoError(b, err)
		var meetings []*Meeting
		for j := range 20 {
			m := &Meeting{ID: fmt.Sprintf("meeting-%d-%d", i, j), CreateTime: now.Add(-time.Hour), ParticipantCount: 7 + i%5}
			if j%2 == 0 {
				m.CreateTime, m.ParticipantCount = now.Add(-5*time.Minute), 0
			}
			meetings = append(meetings, m)
		}
		s.adopt(meetings, now)
		s.remember(now, meetings)
	}
	return g
}

// How long it takes to choose among a thousand servers, and to explain the choice.
func BenchmarkRanking(b *testing.B) {
	g := largeGroup(b)
	b.Run("select", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := g.SelectServer(b.Context(), Criteria{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("explain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if r := g.Rank(b.Context(), Criteria{}); len(r.Servers) != 1000 {
				b.Fatal(r)
			}
		}
	})
	b.Run("select while a thousand servers are refreshed", func(b *testing.B) {
		stop, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for {
				for s := range g.Servers() {
					select {
					case <-stop:
						return
					default:
					}
					s.remember(time.Now(), s.meetings.since(nil, time.Time{}))
				}
			}
		}()
		for b.Loop() {
			if _, err := g.SelectServer(b.Context(), Criteria{}); err != nil {
				b.Fatal(err)
			}
		}
		close(stop)
		<-done
	})
}
