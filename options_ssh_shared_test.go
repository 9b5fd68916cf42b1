package bbb_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An option that is given to servers of two groups kept what it had taken over from the
// first group, and servers that were made at the same time wrote to the same option.
func TestSSHOptionOfManyServers(t *testing.T) {
	t.Parallel()
	opt := bbb.WithSSH(bbb.SSH{User: "reader"})
	configs := make(map[string]string)
	runner := bbb.RunnerFunc(func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		configs[c.Server] = c.SSH.User + " " + c.SSH.ConfigFile
		return 0, nil
	})
	first := newEmptyGroup(t, bbb.WithRunner(runner), bbb.WithSSH(bbb.SSH{User: "root", ConfigFile: "first.conf"}))
	second := newEmptyGroup(t, bbb.WithRunner(runner), bbb.WithSSH(bbb.SSH{Port: 2222}))
	var all sync.WaitGroup
	for i, g := range []*bbb.Group{first, first, first, second, second, second} {
		all.Go(func() {
			s, err := g.New(fmt.Sprintf("bbb%d", i), fmt.Sprintf("https://bbb%d.test", i), "a secret of bbb7", opt)
			assert.NoError(t, err)
			assert.NotNil(t, s)
		})
	}
	all.Wait()
	for _, g := range []*bbb.Group{first, second} {
		for s := range g.Servers() {
			_, err := s.SSHCommand(t.Context(), []string{"true"}, nil)
			require.NoError(t, noted(t, err))
		}
	}
	assert.Equal(t, map[string]string{
		"bbb0": "reader first.conf", "bbb1": "reader first.conf", "bbb2": "reader first.conf",
		"bbb3": "reader ", "bbb4": "reader ", "bbb5": "reader ",
	}, configs)
}
