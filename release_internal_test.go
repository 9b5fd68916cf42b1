package bbb

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A misspelled name in the table of releases would never be found by its effect.
func TestTablesOfReleasesHoldRealNames(t *testing.T) {
	t.Parallel()
	known := append(sentNames(createTable), prefixes(createTable)...)
	known = append(known, "clientSettingsOverride", "sharedNotesInitialContentJson") // of the body
	for name := range createLifetimes {
		assert.Contains(t, known, name)
	}
	known = append(sentNames(joinTable), prefixes(joinTable)...)
	for name := range joinLifetimes {
		assert.Contains(t, known, name)
	}
	for _, lives := range []map[string]lifetime{callLifetimes, createLifetimes, joinLifetimes} {
		for name, l := range lives {
			assert.True(t, l.since > 0 || l.gone > 0, name)
			assert.True(t, l.since == 0 || l.gone == 0 || l.since < l.gone, name)
		}
	}
}

func TestTablesOfReleasesRefuseSlips(t *testing.T) {
	t.Parallel()
	assert.PanicsWithValue(t, "bbb: a is in the table of releases twice", func() {
		lifetimesOf([][3]string{{"a", "-", "-"}, {"a", "-", "-"}})
	})
	assert.Panics(t, func() { lifetimesOf([][3]string{{"a", "x", "-"}}) })
}

// What is certain of a release is so of every release that it may be.
func TestCertaintyOfReleases(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ since, before []string }{
		"2.7":          {since: []string{"2.4", "2.7", "2.7.0"}, before: []string{"2.8", "3.0", "4.0"}},
		"2.7.5":        {since: []string{"2.7", "2.7.2", "2.7.5"}, before: []string{"2.7.6", "3.0"}},
		"3.0.0-beta.4": {since: []string{"2.7", "2.7.9"}, before: []string{"3.0.1", "3.0.25", "4.0"}},
		"3.1":          {since: []string{"3.0", "3.1", "3.0.33"}, before: []string{"4.1"}},
		"v4.0":         {since: []string{"4.0", "3.1"}, before: []string{"4.1", "5.0"}},
	} {
		r, err := ParseRelease(text)
		require.NoError(t, err)
		assert.True(t, r.Known())
		all := []string{"2.4", "2.5", "2.7", "2.7.0", "2.7.2", "2.7.5", "2.7.6", "2.7.9", "2.8", "3.0", "3.0.1", "3.0.25", "3.0.33", "3.1", "4.0", "4.1", "5.0"}
		for _, other := range all {
			if slices.Contains(want.since, other) {
				assert.True(t, r.Since(other), "%s since %s", text, other)
			}
			if slices.Contains(want.before, other) {
				assert.True(t, r.Before(other), "%s before %s", text, other)
			}
			assert.False(t, r.Since(other) && r.Before(other), "%s %s", text, other)
		}
	}
	three, err := ParseRelease("3.1")
	require.NoError(t, err)
	assert.False(t, three.Before("4.0"), "it may have some of it")
	for _, bad := range []string{"", "3", "three", "3.0.1.2", "3.0 ", "2.7;x", "9999.1"} {
		r, err := ParseRelease(bad)
		require.Error(t, err, bad)
		assert.False(t, r.Known() || r.Since(bad) || three.Before(bad), bad)
	}
	for text, want := range map[string]string{"2.7": "2.7", "2.7.5": "2.7.5", "3.0.0-rc.1": "before 3.0", "4.0.0": "4.0"} {
		r, err := ParseRelease(text)
		require.NoError(t, err)
		assert.Equal(t, want, r.String())
	}
}
