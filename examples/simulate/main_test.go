package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	t.Parallel()
	svg := filepath.Join(t.TempDir(), "load.svg")
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{
		"-servers", "5", "-weights", "1, 1.5", "-meetings", "20", "-seeds", "2", "-replicas", "2", "-shared", "-joins",
		"-early", "30s", "-refresh", "30s", "-policy", "group,oracle", "-svg", svg,
	}, &out, &out))
	assert.Contains(t, out.String(), "5 servers: 3 of weight 1, 2 of weight 1.5; 20 meetings an hour")
	assert.Regexp(t, `policy +worst/mean +worst moment +peak load \(fleet\) +on weight 1 \(50 %\) +on weight 1.5 \(50 %\)`, out.String())
	assert.Regexp(t, `(?m)^group +\d\.\d\d ± 0\.\d\d +\d+\.\d\d +\d+ \(\d+\) +\d+ % +\d+ % `, out.String())
	assert.Regexp(t, `(?m)^oracle `, out.String())
	assert.NotContains(t, out.String(), "random")
	assert.Contains(t, out.String(), svg)
	drawn, err := os.ReadFile(svg)
	require.NoError(t, err)
	assert.Contains(t, string(drawn), "<svg")
}

func TestRunWithoutDrawing(t *testing.T) {
	t.Chdir(t.TempDir())
	var out bytes.Buffer
	args := []string{"-servers", "2", "-meetings", "5", "-seeds", "1", "-policy", "random"}
	require.NoError(t, run(t.Context(), append(args, "-svg", ""), &out, &out))
	assert.NotContains(t, out.String(), "drawn")
	assert.NoFileExists(t, "simulation.svg")

	require.NoError(t, run(t.Context(), args, &out, &out))
	assert.Contains(t, out.String(), "drawn in simulation.svg")
	assert.FileExists(t, "simulation.svg")

	require.ErrorIs(t, run(t.Context(), append(args, "-svg", "no/such/folder.svg"), &out, &out), os.ErrNotExist)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, run(ctx, args, &out, &out), context.Canceled)
}

func TestBadFlags(t *testing.T) {
	t.Parallel()
	for problem, args := range map[string][]string{
		`"x" for flag -servers`:   {"-servers", "x"},
		"0 servers, need 1":       {"-servers", "0"},
		`"heavy" is not a number`: {"-weights", "1,heavy"},
		"a weight of -1":          {"-weights", "-1"},
		"a burst of 1.5":          {"-burst", "1.5"},
		`no policy "best"`:        {"-policy", "best"},
		`no use for "more"`:       {"more"},
		"-best":                   {"-best"},
	} {
		var out, help bytes.Buffer
		err := run(t.Context(), args, &out, &help)
		assert.ErrorIs(t, err, errUsage)
		assert.ErrorContains(t, err, problem)
		assert.Empty(t, out.String())
		assert.Empty(t, help.String())
	}
	var out, help bytes.Buffer
	assert.ErrorIs(t, run(t.Context(), []string{"-h"}, &out, &help), flag.ErrHelp)
	assert.Contains(t, help.String(), "-policy list")
	assert.Empty(t, out.String())
}
