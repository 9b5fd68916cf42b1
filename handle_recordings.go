package bbb

import "context"

func handleGetRecordings(ctx context.Context, q *incoming) *Response { return q.unsupported() }

func handlePublishRecordings(ctx context.Context, q *incoming) *Response { return q.unsupported() }

func handleDeleteRecordings(ctx context.Context, q *incoming) *Response { return q.unsupported() }

func handleUpdateRecordings(ctx context.Context, q *incoming) *Response { return q.unsupported() }
