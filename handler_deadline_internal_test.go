package bbb

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type requestKey struct{}

// newRequestContext returns a context as ServeHTTP makes it, of a request that may take a minute.
func newRequestContext(parent context.Context) *requestContext {
	c := new(requestContext)
	c.Context, c.until = context.WithValue(parent, requestKey{}, "value"), time.Now().Add(time.Minute)
	return c
}

// A requestContext is to be nothing but a context with a deadline, whoever looks at it when.
func TestRequestContextIsOneWithADeadline(t *testing.T) {
	t.Parallel()
	errWhy := errors.New("why")
	for name, ending := range map[string]struct {
		end  func(c *requestContext, cancel context.CancelCauseFunc)
		want error
		why  error
	}{
		"nothing":       {func(*requestContext, context.CancelCauseFunc) {}, nil, nil},
		"answered":      {func(c *requestContext, _ context.CancelCauseFunc) { c.end() }, context.Canceled, context.Canceled},
		"gone":          {func(_ *requestContext, cancel context.CancelCauseFunc) { cancel(errWhy) }, context.Canceled, errWhy},
		"too late":      {func(*requestContext, context.CancelCauseFunc) { <-time.After(2 * time.Minute) }, context.DeadlineExceeded, context.DeadlineExceeded},
		"late and gone": {func(_ *requestContext, cancel context.CancelCauseFunc) { <-time.After(2 * time.Minute); cancel(errWhy) }, nil, nil},
	} {
		for _, waited := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					parent, cancel := context.WithCancelCause(t.Context())
					defer cancel(nil)
					c := newRequestContext(parent)
					defer c.end()
					var child context.Context
					if waited {
						var cancelChild context.CancelFunc
						child, cancelChild = context.WithCancel(c)
						defer cancelChild()
					}
					require.NoError(t, c.Err())
					ending.end(c, cancel)
					if ending.want == nil && ending.why == nil && name != "nothing" { // both ends; which of them is not said
						require.Error(t, c.Err())
						return
					}
					require.ErrorIs(t, c.Err(), ending.want)
					assert.Equal(t, "value", c.Value(requestKey{}))
					if ending.want == nil {
						return
					}
					<-c.Done()
					require.ErrorIs(t, context.Cause(c), ending.why)
					if waited {
						<-child.Done()
						require.ErrorIs(t, context.Cause(child), ending.why)
					}
				})
			})
		}
	}
}

func TestRequestContextTellsTheEarlierDeadline(t *testing.T) {
	t.Parallel()
	c := newRequestContext(t.Context())
	got, ok := c.Deadline()
	assert.True(t, ok)
	assert.Equal(t, c.until, got)
	earlier := c.until.Add(-time.Second)
	parent, cancel := context.WithDeadline(t.Context(), earlier)
	defer cancel()
	got, ok = newRequestContext(parent).Deadline()
	assert.True(t, ok)
	assert.True(t, earlier.Equal(got), "%v, not %v", got, earlier)
}

// Whoever begins to wait when the request has ended does not wait for ever.
func TestRequestContextEndsForWhoeverComesLate(t *testing.T) {
	t.Parallel()
	for range 200 {
		c := newRequestContext(t.Context())
		begun := make(chan struct{})
		go func() {
			defer close(begun)
			c.end()
		}()
		<-c.Done()
		<-begun
		require.ErrorIs(t, c.Err(), context.Canceled)
	}
}
