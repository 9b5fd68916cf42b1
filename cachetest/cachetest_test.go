package cachetest_test

import (
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/cachetest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemoryCache(t *testing.T) {
	t.Parallel()
	cachetest.Test(t, func(*testing.T) bbb.Cache { return bbb.NewMemoryCache() })
}
