package bbb

import "context"

func handleIndex(ctx context.Context, q *incoming) *Response { return q.unsupported() }

func handleEnd(ctx context.Context, q *incoming) *Response { return q.unsupported() }

func handleIsMeetingRunning(ctx context.Context, q *incoming) *Response { return q.unsupported() }

func handleGetMeetingInfo(ctx context.Context, q *incoming) *Response { return q.unsupported() }

func handleGetMeetings(ctx context.Context, q *incoming) *Response { return q.unsupported() }

func handleGetSessions(ctx context.Context, q *incoming) *Response { return q.unsupported() }
