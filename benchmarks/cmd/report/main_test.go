package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The command is run from the root, or from wherever in the checkout somebody is.
func TestSuiteIsFound(t *testing.T) {
	want, err := filepath.Abs(filepath.Join("..", "..", "suite"))
	require.NoError(t, err)
	for _, from := range []string{".", filepath.Join("..", "..", "..")} {
		t.Chdir(from)
		got, err := suite()
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	t.Chdir(os.TempDir())
	_, err = suite()
	assert.Error(t, err)
}
