package bbb

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func indexed(x *index) map[string]*Server {
	all := make(map[string]*Server)
	x.each(func(id string, s *Server) { all[id] = s })
	return all
}

// The index does what a map does.
func TestIndexIsLikeAMap(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	servers := []*Server{{name: "a"}, {name: "b"}, {name: "c"}}
	for range 20 {
		var x index
		want := make(map[string]*Server)
		ids := 1 + r.IntN(3000)
		for range 6000 {
			id, s := fmt.Sprint("m", r.IntN(ids)), servers[r.IntN(len(servers))]
			switch r.IntN(8) {
			default:
				x.set(id, s)
				want[id] = s
			case 1, 2:
				x.drop(id, s)
				if want[id] == s {
					delete(want, id)
				}
			case 3:
				got := x.change(id, func(now *Server) *Server {
					assert.Same(t, want[id], now)
					if now == nil {
						return s
					}
					return now
				})
				if want[id] == nil {
					want[id] = s
				}
				assert.Same(t, want[id], got)
			case 4:
				if r.IntN(200) > 0 {
					continue
				}
				to := servers[r.IntN(len(servers))]
				if r.IntN(3) == 0 {
					to = nil
				}
				x.replace(s, to)
				for id, at := range want {
					switch {
					case at != s:
					case to == nil:
						delete(want, id)
					default:
						want[id] = to
					}
				}
			}
			require.Same(t, want[id], x.get(id))
		}
		require.Equal(t, want, indexed(&x))
		require.Len(t, want, x.n)
	}
}

// Who reads while others write sees each ID where it is or was: never nowhere, however the
// table grows around it.
func TestIndexIsReadWhileItChanges(t *testing.T) {
	t.Parallel()
	var (
		x       index
		a, b    = &Server{name: "a"}, &Server{name: "b"}
		done    atomic.Bool
		readers sync.WaitGroup
		writers sync.WaitGroup
	)
	lasting := make([]string, 100)
	for i := range lasting {
		lasting[i] = fmt.Sprint("lasting", i)
		x.set(lasting[i], a)
	}
	for range 2 {
		readers.Go(func() {
			for !done.Load() {
				for _, id := range lasting {
					if s := x.get(id); s != a && s != b {
						t.Errorf("%s is on %v", id, s)
						return
					}
				}
				n := 0
				x.each(func(id string, _ *Server) {
					if len(id) > 7 && id[:7] == "lasting" {
						n++
					}
				})
				if !assert.Equal(t, len(lasting), n) {
					return
				}
				runtime.Gosched()
			}
		})
	}
	for w := range 2 {
		writers.Go(func() {
			for i := range 3000 {
				id := fmt.Sprintf("%d-%d", w, i)
				x.set(id, a)
				if i%3 == 0 {
					x.drop(id, a)
				}
				x.set(lasting[i%len(lasting)], [...]*Server{a, b}[i%2])
				if i%1000 == 0 {
					x.replace(b, a)
				}
			}
		})
	}
	writers.Wait()
	done.Store(true)
	readers.Wait()
	assert.Len(t, indexed(&x), len(lasting)+2*2000)
}

// Of several that take an ID at one time, one gets it.
func TestIndexGivesAnIDOnce(t *testing.T) {
	t.Parallel()
	var (
		p    placements
		wins [500]atomic.Int64
		wg   sync.WaitGroup
	)
	g, err := NewGroup("school")
	require.NoError(t, err)
	for i := range 4 {
		s, err := g.New(fmt.Sprint("bbb", i), fmt.Sprintf("https://bbb%d.test/", i), "a secret of 32 bytes, or longer ones")
		require.NoError(t, err)
		wg.Go(func() {
			for n := range wins {
				if p.setIfFree(fmt.Sprint("m", n), s) {
					wins[n].Add(1)
				}
			}
		})
	}
	wg.Wait()
	for n := range wins {
		require.EqualValues(t, 1, wins[n].Load(), n)
	}
	assert.Equal(t, len(wins), p.count())
}
