package bbb_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
)

// A process that has just started knows of a meeting outside the scope only what the
// Cache says: at the first call, neither its metadata nor whether it is outside. The
// server that the Cache names must not come out by its failure even then.
func TestMeetingOutsideIsNowhereToANewProcess(t *testing.T) {
	t.Parallel()
	for _, down := range []bool{false, true} {
		for _, expired := range []bool{false, true} {
			t.Run(fmt.Sprintf("down %v, list expired %v", down, expired), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					fakes := newFakes(t, 3)
					cache := bbb.NewMemoryCache()
					create(t, scope(t, newGroupOf(t, fakes, bbb.WithCache(cache)), "red"), "secret-meeting")
					if expired { // the claim lasts longer
						wait(t, bbb.DefaultCacheTime+time.Second)
					}
					holder(t, fakes, "secret-meeting").SetDown(down)
					for call := range calls(t, nil, "") {
						first := func(id string) error {
							g := newGroupOf(t, fakes, bbb.WithCache(cache))
							return noted(t, calls(t, scope(t, g, "blue"), id)[call]())
						}
						want, got := first("no-such-meeting"), first("secret-meeting")
						assert.Equal(t, fmt.Sprint(want), fmt.Sprint(got), call)
					}
				})
			})
		}
	}
}
