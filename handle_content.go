package bbb

import "context"

func handleInsertDocument(ctx context.Context, q *incoming) *Response { return q.unsupported() }

func handleSendChatMessage(ctx context.Context, q *incoming) *Response { return q.unsupported() }
