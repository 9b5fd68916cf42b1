package bbb_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A hundred goroutines do everything at once, while servers come and go. At the end
// every meeting that was created and not ended is on exactly one server, and the
// group's list is what the servers have. The rest is found by the race detector and
// by the check for goroutines after the run.
func TestStorm(t *testing.T) {
	t.Parallel()
	const goroutines, visits = 100, 20
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	for name, opts := range map[string][]bbb.GroupOption{
		"alone": nil, "with a common cache": {bbb.WithCache(bbb.NewMemoryCache())},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := append(slices.Clone(opts), bbb.WithTimeout(10*time.Second, 30*time.Second))
			g := newEmptyGroup(t, opts...)
			fakes := make([]*bbbtest.Server, 5)
			for i := range fakes {
				fakes[i] = bbbtest.Start(t, bbbtest.WithName(fmt.Sprintf("bbb%d", i+1)), bbbtest.WithRequestFunc(suite.request))
				suite.secret("secret of a server", fakes[i].Secret())
				addServer(t, g, fakes[i])
			}
			passing := bbbtest.Start(t, bbbtest.WithName("passing"), bbbtest.WithRequestFunc(suite.request))
			suite.secret("secret of a server", passing.Secret())

			var (
				mu    sync.Mutex // protects alive
				alive = make(map[string]bool)
				wg    sync.WaitGroup
			)
			ctx := t.Context()
			act := func(id string) {
				switch rand.IntN(12) {
				case 0:
					_, err := g.Meetings(ctx)
					assert.NoError(t, noted(t, err))
				case 1:
					assert.NoError(t, noted(t, g.Refresh(ctx)))
				case 2:
					g.CachedMeetings(ctx)
				case 3:
					_, err := g.Join(ctx, viewer(id))
					assert.NoError(t, noted(t, err))
				case 4:
					_, err := g.JoinURL(ctx, viewer(id))
					assert.NoError(t, noted(t, err))
				case 5:
					m, err := g.Meeting(ctx, id)
					if assert.NoError(t, noted(t, err)) {
						assert.Equal(t, id, m.ID)
					}
				case 6:
					_, err := g.IsMeetingRunning(ctx, id)
					assert.NoError(t, noted(t, err))
				default:
					assert.True(t, create(t, g, id).Existed())
				}
			}
			for n := range goroutines {
				wg.Go(func() {
					for i := range rounds {
						id := fmt.Sprintf("room-%d-%d", n, i)
						if n%10 == 0 {
							id = fmt.Sprintf("shared-%d", i) // created by ten at the same time, and never ended
						}
						create(t, g, id)
						mu.Lock()
						alive[id] = true
						mu.Unlock()
						for range 3 {
							act(id)
						}
						if n%10 != 0 && i%3 == 0 {
							assert.NoError(t, noted(t, g.EndMeeting(ctx, id, "")))
							mu.Lock()
							delete(alive, id)
							mu.Unlock()
						}
					}
				})
			}
			// The server that comes and goes is draining: it takes no meeting, because it
			// refuses creates, but lists and searches ask it.
			passing.Inject(bbbtest.Fault{Call: "create", Status: 404})
			wg.Go(func() {
				for range visits {
					addServer(t, g, passing)
					assert.NoError(t, noted(t, g.Refresh(ctx)))
					assert.True(t, g.Remove("passing"))
				}
			})
			wg.Wait()

			for id := range alive {
				assert.Len(t, holders(fakes, id), 1, id)
			}
			var there []string
			for _, f := range fakes {
				for _, m := range f.Meetings() {
					if m.Ended.IsZero() {
						there = append(there, m.MeetingID)
					}
				}
			}
			assert.Len(t, there, len(alive), "nothing that was ended is left")
			list, err := g.Meetings(ctx)
			require.NoError(t, err)
			assert.ElementsMatch(t, there, ids(list), "the group is the sum of its servers")
			assert.ElementsMatch(t, there, ids(g.CachedMeetings(ctx)))
			assert.Empty(t, holders([]*bbbtest.Server{passing}, "any"))
			require.NoError(t, g.Close(context.Background()))
		})
	}
}
