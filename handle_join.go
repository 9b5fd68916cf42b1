package bbb

import "context"

func handleJoin(ctx context.Context, q *incoming) *Response { return q.unsupported() }
