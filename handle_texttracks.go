package bbb

import "context"

func handleGetTextTracks(ctx context.Context, q *incoming) *Response { return q.unsupported() }

func handlePutTextTrack(ctx context.Context, q *incoming) *Response { return q.unsupported() }
