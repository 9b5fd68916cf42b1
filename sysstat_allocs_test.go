//go:build !race

package bbb_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// For servers without ssh, Refresh is what it was: the list of the meetings.
func TestRefreshWithoutMachinesCostsNothing(t *testing.T) { //nolint:paralleltest // counts allocations
	s := wireServer(t, xmlAnswer("<response><returncode>SUCCESS</returncode><meetings/></response>"))
	g := s.Group()
	for name, calls := range map[string][2]func() error{
		"server": {
			func() error { _, err := s.Meetings(t.Context()); return err },
			func() error { return s.Refresh(t.Context()) },
		},
		"group": {
			func() error { _, err := g.Meetings(t.Context()); return err },
			func() error { return g.Refresh(t.Context()) },
		},
	} {
		var allocs [2]float64
		for i, call := range calls {
			allocs[i] = testing.AllocsPerRun(200, func() {
				if err := call(); err != nil {
					t.Error(err)
				}
			})
		}
		assert.LessOrEqual(t, allocs[1], allocs[0], name)
	}
}
