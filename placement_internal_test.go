package bbb

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A group that starts takes over the lists of all servers at the same time. Whichever
// comes first, the claim says which of two servers that had a meeting counts.
func TestClaimDecidesBetweenListsOfTheSameMoment(t *testing.T) {
	t.Parallel()
	g, err := NewGroup("school", WithCache(NewMemoryCache()))
	require.NoError(t, err)
	var servers []*Server
	for i := range 2 {
		s, err := NewServer(g, fmt.Sprint("bbb", i+1), fmt.Sprintf("https://bbb%d.test/", i+1), "a secret of 32 bytes, or longer ones")
		require.NoError(t, err)
		servers = append(servers, s)
	}
	for i := range 5000 {
		id, right := fmt.Sprint("physics", i), servers[i%2]
		g.claimByHand(t.Context(), id, right)
		var begin, end sync.WaitGroup
		begin.Add(len(servers))
		for _, s := range servers {
			end.Go(func() {
				begin.Done()
				begin.Wait()
				g.believe(t.Context(), id, s)
			})
		}
		end.Wait()
		if !assert.Same(t, right, g.places.get(id), "round %d", i) {
			return
		}
	}
}

// An answer that was on its way when its server was removed would leave an entry that nobody takes out.
func TestAServerThatWasRemovedGetsNoPlaces(t *testing.T) {
	t.Parallel()
	g := busyGroup(t, 2, 0)
	s, _ := g.Server("bbb0")
	require.True(t, g.Remove("bbb0"))
	g.places.set("late", s)
	g.places.setIfFree("later", s)
	g.places.bind("latest", s)
	g.places.servers.each(func(id string, _ *Server) { assert.Fail(t, "there is an entry", id) })
	g.places.byHand.each(func(id string, _ *Server) { assert.Fail(t, "there is an entry", id) })
}
