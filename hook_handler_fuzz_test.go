package bbb_test

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"hash"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/require"
)

// FuzzHookHandler sends anything. What is handed over was signed: with the body,
// with the fields, or with the secret itself. That is computed here by other means.
func FuzzHookHandler(f *testing.F) {
	sign := func(body string) string { return "checksum=" + hexOf(sha256.New(), hookURL, body, hookSecret) }
	f.Add("checksum="+goldenV34SHA256, formType, "", goldenBody)
	f.Add("checksum="+goldenV34SHA512, formType, "", goldenBody)
	f.Add("a=b&checksum="+goldenV2, formType, "", goldenBody)
	f.Add("checksum="+goldenV2, jsonType, "", goldenJSON)
	f.Add("checksum="+goldenV30NoProof, formType, "", goldenBody)
	f.Add("", formType, "Bearer "+hookSecret, goldenBody)
	f.Add("", formType, "bearer  x", goldenBody)
	f.Add(sign(goldenJSON), jsonType, "", goldenJSON)
	f.Add(sign("event=x&event=y&timestamp=1"), "", "", "event=x&event=y&timestamp=1")
	f.Add("checksum=%61&checksum=", "text/plain;;", "Basic x", "%zz")
	f.Fuzz(func(t *testing.T, query, contentType, authorization, body string) {
		handed := 0
		h, err := bbb.NewHookHandler(hookURL, func(context.Context, bbb.Event) error { handed++; return nil },
			bbb.WithCallbackSecrets(hookSecret), bbb.WithCallbackBodyLimit(1<<20), bbb.WithReplayWindow(9*365*24*time.Hour)) // the posts are of 2023
		require.NoError(t, err)
		r := &http.Request{
			Method: http.MethodPost, URL: &url.URL{Path: "/", RawQuery: query}, Header: http.Header{},
			Body: http.NoBody, ContentLength: -1,
		}
		r = r.WithContext(t.Context())
		r.Body = httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body)).Body
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if handed > 0 {
			require.Equal(t, 200, w.Code)
		}
		if w.Code == 200 || w.Code == 401 {
			require.True(t, signed(query, contentType, authorization, body), "accepted without a signature")
		}
	})
}

// signed tells whether somebody who knows the secret can have sent a request.
func signed(query, contentType, authorization, body string) bool {
	if strings.HasPrefix(strings.ToLower(authorization), "bearer ") && strings.Contains(authorization, hookSecret) {
		return true
	}
	texts := []string{body}
	var fields struct {
		Event     string          `json:"event"`
		Timestamp json.RawMessage `json:"timestamp"`
		Domain    string          `json:"domain"`
	}
	form, err := url.ParseQuery(body)
	if err == nil && !strings.Contains(contentType, "json") {
		fields.Event, fields.Domain, fields.Timestamp = form.Get("event"), form.Get("domain"), json.RawMessage(form.Get("timestamp"))
	} else if json.Unmarshal([]byte(body), &fields) != nil {
		fields.Event = ""
	}
	if text, err := json.Marshal(fields.Event); err == nil && fields.Event != "" {
		domain, _ := json.Marshal(fields.Domain)
		plain := `{"event":` + string(text) + `,"timestamp":` + strings.Trim(string(fields.Timestamp), `"`) + `,"domain":` + string(domain) + `}`
		// What Go escapes and JavaScript does not.
		texts = append(texts, strings.NewReplacer(`\\`, `\\`, `\u003c`, "<", `\u003e`, ">", `\u0026`, "&", `\u2028`, "\u2028", `\u2029`, "\u2029").Replace(plain))
	}
	lower := strings.ToLower(query)
	for _, text := range texts {
		for _, h := range []hash.Hash{sha1.New(), sha256.New(), sha512.New384(), sha512.New()} {
			if strings.Contains(lower, hexOf(h, hookURL, text, hookSecret)) {
				return true
			}
		}
	}
	return false
}
