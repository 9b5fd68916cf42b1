package bbb_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/require"
)

// wireSecret is long and odd enough to be found in any text that it leaks into.
const wireSecret = "Wire-Secret/8f+3=Q&x"

// wireServer makes a server, alone in its group, whose requests go through rt.
func wireServer(tb testing.TB, rt http.RoundTripper, opts ...bbb.ServerOption) *bbb.Server {
	tb.Helper()
	return wireServerAt(tb, wireGroup(tb), "https://bbb1.test/bigbluebutton/", wireSecret, rt, opts...)
}

// wireServerAt makes a server whose requests go through rt, or over sockets if that is
// nil.
func wireServerAt(tb testing.TB, g *bbb.Group, rawURL, secret string, rt http.RoundTripper, opts ...bbb.ServerOption) *bbb.Server {
	tb.Helper()
	first := patient
	if rt != nil {
		first = bbb.WithTransport(rt)
	}
	opts = append([]bbb.ServerOption{first}, opts...)
	s, err := bbb.NewServer(g, fmt.Sprintf("bbb%d", g.Len()+1), rawURL, secret, opts...)
	require.NoError(tb, err)
	return s
}

func wireGroup(tb testing.TB, opts ...bbb.GroupOption) *bbb.Group {
	tb.Helper()
	g, err := bbb.NewGroup("wire", opts...)
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = g.Close(context.Background()) })
	return g
}

// roundTripFunc is a transport of one function.
type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// handled is a transport that lets h answer, without a socket. As with a socket,
// the length of the answer is known only when h says so.
func handled(h http.HandlerFunc) http.RoundTripper {
	return roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if r.Body != nil {
			defer r.Body.Close()
		}
		rec := httptest.NewRecorder()
		h(rec, r)
		resp := rec.Result()
		resp.Request = r
		return resp, nil
	})
}

// answering is a transport that gives every request the same answer.
func answering(status int, contentType, body string) http.RoundTripper {
	return handled(func(w http.ResponseWriter, _ *http.Request) {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// xmlAnswer is a transport that answers 200 with an XML body.
func xmlAnswer(body string) http.RoundTripper { return answering(http.StatusOK, "text/xml", body) }

// streamed is a transport whose answer has a body that is read as it comes.
func streamed(header http.Header, length int64, body io.ReadCloser) http.RoundTripper {
	return roundTripFunc(func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: header, ContentLength: length, Body: body, Request: r,
		}, nil
	})
}
