package bbb_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Another process has created a meeting for another tenant, and all that this one can
// know of it is its claim in the Cache. Whoever asked for that ID was answered that it
// is nowhere, like any other ID, but for a request more, which took as long as the
// server of the meeting needs.
func TestScopeDoesNotFollowAForeignClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(t, 3)
		cache := bbb.NewMemoryCache()
		theirs, ours := newGroupOf(t, fakes, bbb.WithCache(cache)), newGroupOf(t, fakes, bbb.WithCache(cache))
		require.NoError(t, ours.Refresh(t.Context())) // so that it reads no lists from the Cache any more
		blue := scope(t, ours, "blue")
		unknown := calls(t, blue, "no-such-meeting")
		for _, slow := range []bool{false, true} {
			for call := range unknown {
				id := fmt.Sprintf("%s-%v", call, slow)
				create(t, scope(t, theirs, "red"), id)
				heal := func() {}
				if slow {
					heal = holder(t, fakes, id).Inject(bbbtest.Fault{Call: "getMeetingInfo", Latency: 5 * time.Second})
				}
				outcome := func(ask func() error) []string {
					quiet(fakes)
					start := time.Now()
					err := noted(t, ask())
					return []string{fmt.Sprint(err), time.Since(start).String(), fmt.Sprint(requests(fakes, "getMeetings"), requests(fakes, "*"))}
				}
				foreign := outcome(calls(t, blue, id)[call]) // first: a search for the other one would see it
				assert.Equal(t, outcome(unknown[call]), foreign, id)
				heal()
			}
		}

		// One of ours that another process has created is found all the same, and is known
		// from then on.
		create(t, scope(t, theirs, "blue"), "physics")
		_, err := blue.Meeting(t.Context(), "physics")
		require.NoError(t, noted(t, err))
		quiet(fakes)
		_, err = blue.Meeting(t.Context(), "physics")
		require.NoError(t, noted(t, err))
		assert.Equal(t, 1, requests(fakes, "*"))
		assert.Equal(t, 1, requests(fakes, "getMeetingInfo"))
	})
}
