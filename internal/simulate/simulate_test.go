package simulate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/internal/simulate"
)

func small() simulate.Config {
	c := simulate.Default()
	c.Servers, c.Meetings, c.Seeds = 4, 30, 3
	return c
}

func policy(t *testing.T, name string) simulate.Policy {
	t.Helper()
	list, err := simulate.ParsePolicies(name)
	require.NoError(t, err)
	require.Len(t, list, 1)
	return list[0]
}

// What the simulation does itself is the same each time, however the seeds are
// spread over the processors.
func TestRunsOfASeedAreEqual(t *testing.T) {
	t.Parallel()
	for _, p := range simulate.Policies() {
		if p.Name == "group" || p.Name == "choices2" {
			continue // these draw for themselves
		}
		first, err := simulate.Run(t.Context(), small(), p)
		require.NoError(t, err)
		second, err := simulate.Run(t.Context(), small(), p)
		require.NoError(t, err)
		assert.Equal(t, first, second)
		assert.GreaterOrEqual(t, first.Ratio.Mean, 1.0)
		assert.GreaterOrEqual(t, first.WorstRatio.Mean, first.Ratio.Mean)
	}
}

// All that a group does in a simulation works: also with replicas, a shared Cache,
// joins and meetings that are created early.
func TestRealGroupsPlaceAllMeetings(t *testing.T) {
	t.Parallel()
	c := small()
	c.Joins, c.Early = true, time.Minute
	for _, replicas := range []int{1, 3} {
		c.Replicas, c.Shared = replicas, replicas > 1
		r, err := simulate.Run(t.Context(), c, policy(t, "group"))
		require.NoError(t, err)
		require.Len(t, r.Seeds, 3)
		require.Len(t, r.Shares, 2)
		assert.InDelta(t, 1, r.Shares[0].Meetings+r.Shares[1].Meetings, 1e-9)
		assert.InDelta(t, 2./3, r.Shares[1].Fair, 1e-9)
		assert.InDelta(t, 2./3, r.Shares[1].Meetings, 0.25)

		text, err := json.Marshal(r)
		require.NoError(t, err)
		var back simulate.Result
		require.NoError(t, json.Unmarshal(text, &back))
		assert.Equal(t, *r, back)
	}
}

func TestRunTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := simulate.Run(t.Context(), simulate.Config{}, policy(t, "oracle"))
	for _, what := range []string{"servers", "weights", "meetings", "median", "cap", "refresh", "replicas", "seeds", "hours"} {
		assert.ErrorContains(t, err, what)
	}
	_, err = simulate.Run(t.Context(), small(), simulate.Group("idle", "nobody works", bbb.WithWorkers(0)))
	assert.ErrorContains(t, err, "WithWorkers")

	broken := bbb.WithTransport(cable{})
	_, err = simulate.Run(t.Context(), small(), simulate.Group("cut off", "", broken))
	assert.ErrorContains(t, err, "cut off, seed 1, after ")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = simulate.Run(ctx, small(), policy(t, "oracle"))
	assert.ErrorIs(t, err, context.Canceled)
}

func TestParsePolicies(t *testing.T) {
	t.Parallel()
	all, err := simulate.ParsePolicies(" all ")
	require.NoError(t, err)
	assert.Len(t, all, len(simulate.Policies()))
	some, err := simulate.ParsePolicies("oracle, group,oracle")
	require.NoError(t, err)
	require.Len(t, some, 2)
	assert.Equal(t, "oracle", some[0].Name)
	assert.Equal(t, "group", some[1].Name)
	for _, bad := range []string{"", "group,", "best"} {
		_, err := simulate.ParsePolicies(bad)
		assert.ErrorContains(t, err, "there are group, ")
	}
}

func TestConfigSaysWhatIsSimulated(t *testing.T) {
	t.Parallel()
	c := simulate.Default()
	assert.Equal(t, "22 servers: 11 of weight 1, 11 of weight 2; 200 meetings an hour, 70 % of them on the hour; "+
		"asked every 10s by 1 replica", c.String())
	c.Servers, c.Replicas, c.Shared, c.Joins = 1, 2, true, true
	assert.Equal(t, "1 server: 1 of weight 1; 200 meetings an hour, 70 % of them on the hour; "+
		"asked every 10s by 2 replicas with a shared cache, told of joins", c.String())
}

func TestSVGIsWellFormedAndComplete(t *testing.T) {
	t.Parallel()
	c := small()
	c.Hours = 2
	var results []*simulate.Result
	for _, p := range simulate.Policies() {
		r, err := simulate.Run(t.Context(), c, p)
		require.NoError(t, err)
		results = append(results, r)
	}
	results[0].Policy = `<ours> & "theirs"`
	for n := range len(results) + 1 {
		var b bytes.Buffer
		require.NoError(t, simulate.SVG(&b, c, results[:n]))
		assert.NotContains(t, b.String(), "NaN")
		lines, texts := elements(t, &b)
		assert.Equal(t, n*(c.Servers+1), lines, "one for each server, and the fleet")
		for _, r := range results[:n] {
			assert.Contains(t, texts, r.Policy)
		}
	}
	assert.ErrorContains(t, simulate.SVG(full{}, c, results), "full")
}

// elements reads a drawing, and returns how many lines of a series it has, and its
// texts.
func elements(t *testing.T, r io.Reader) (lines int, texts []string) {
	t.Helper()
	d := xml.NewDecoder(r)
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return lines, texts
		}
		require.NoError(t, err)
		switch x := token.(type) {
		case xml.StartElement:
			if x.Name.Local == "polyline" {
				lines++
			}
		case xml.CharData:
			texts = append(texts, strings.TrimSpace(string(x)))
		}
	}
}

// full is a file on a disk without space.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

// cable is a transport that carries nothing.
type cable struct{}

func (cable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("the cable is cut")
}
