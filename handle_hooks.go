package bbb

import "context"

func handleHooksCreate(ctx context.Context, q *incoming) *Response { return q.unsupported() }

func handleHooksList(ctx context.Context, q *incoming) *Response { return q.unsupported() }

func handleHooksDestroy(ctx context.Context, q *incoming) *Response { return q.unsupported() }
