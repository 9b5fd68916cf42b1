package bbb

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"
)

// Result is what one server of a fan-out gave.
type Result[T any] struct {
	Server   *Server
	Value    T // beside an Err: what there was until then, if anything
	Err      error
	Duration time.Duration // how long it took, waiting for a worker not counted
}

// Results are what the servers of a fan-out gave, in the order of the group. They come
// from [FanOut], [Group.SSHCommand] and [Group.SysStat].
type Results[T any] []Result[T]

// Values returns the values of the servers that did not fail.
func (r Results[T]) Values() []T {
	values := make([]T, 0, len(r))
	for _, one := range r {
		if one.Err == nil {
			values = append(values, one.Value)
		}
	}
	return values
}

// Err returns a *[GroupError] with the servers that failed, or nil when none
// did. call is the name of what was done, for its text.
func (r Results[T]) Err(call string) error {
	var failed []ServerError
	for _, one := range r {
		if one.Err != nil {
			failed = append(failed, ServerError{Server: one.Server.name, Err: one.Err})
		}
	}
	if failed == nil {
		return nil
	}
	return &GroupError{Call: call, Asked: len(r), Servers: failed}
}

// FanOut runs f for every server of the group that is not disabled ([ModeDisabled])
// at the same time, in as many goroutines as the group has workers ([WithWorkers]),
// and returns when all are done. One failure stops nobody else. When ctx ends,
// servers whose turn has not come get its error.
//
// It is for work that the group has no method for:
//
//	results := bbb.FanOut(ctx, group, func(ctx context.Context, s *bbb.Server) (*bbb.Version, error) {
//		return s.Version(ctx)
//	})
//	if err := results.Err("version"); err != nil { ... }
//
// f must not wait for a context other than the one it gets. Each call that f
// makes on a server has that server's own time-out.
func FanOut[T any](ctx context.Context, g *Group, f func(context.Context, *Server) (T, error)) Results[T] {
	return fanOut(ctx, g.serving(), g.workers, f)
}

func fanOut[T any](ctx context.Context, servers []*Server, workers int, f func(context.Context, *Server) (T, error)) Results[T] {
	results := make(Results[T], len(servers))
	// Not errgroup.WithContext: it would cancel the healthy when one fails.
	var group errgroup.Group
	group.SetLimit(workers)
	for i, s := range servers {
		results[i].Server = s
		group.Go(func() error {
			r := &results[i]
			if ctx.Err() != nil {
				r.Err = ended(ctx)
				return nil //nolint:nilerr // the slot has the error; one here would be kept for all
			}
			start := time.Now()
			r.Value, r.Err = f(ctx, s)
			r.Duration = time.Since(start)
			return nil
		})
	}
	_ = group.Wait() // the functions keep their errors in their slots
	return results
}

// partial returns err as a *GroupError if it is one of which some servers
// answered, for callers that can go on with those.
func partial(err error) bool {
	ge, ok := errors.AsType[*GroupError](err)
	return ok && !ge.AllFailed()
}
