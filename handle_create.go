package bbb

import "context"

func handleCreate(ctx context.Context, q *incoming) *Response { return q.unsupported() }
