package bbbtest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
)

// reply is a whole answer, made before a byte of it is sent.
type reply struct {
	status  int
	header  http.Header
	body    []byte
	endless bool // announces no length; a flood follows
}

// xmlReply closes a document and answers it.
func (s *Server) xmlReply(d *document) reply {
	contentType := s.conf.quirks.ContentType
	if contentType == "" {
		contentType = "text/xml"
	}
	return reply{body: d.bytes(), status: http.StatusOK, header: http.Header{
		"Content-Type":  {contentType},
		"Cache-Control": {"no-cache"},
	}}
}

// jsonReply answers v inside the usual response object, unless a quirk takes that away.
func (s *Server) jsonReply(v any) reply {
	if !s.conf.quirks.UnwrappedJSON {
		v = map[string]any{"response": v}
	}
	return plainJSON(v)
}

// plainJSON answers v as it is.
func plainJSON(v any) reply {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // only our own structs and maps come here
	}
	return reply{body: body, status: http.StatusOK, header: http.Header{
		"Content-Type":  {"application/json"},
		"Cache-Control": {"no-cache"},
	}}
}

// fail answers a failure in the usual shape: HTTP 200 all the same.
func (s *Server) fail(f failure) reply {
	d := s.document(failed)
	d.message(f.key, f.message)
	return s.xmlReply(d)
}

// failList answers a failure in the shape of the controllers' error lists.
func (s *Server) failList(f failure) reply {
	d := s.document(failed)
	d.open("errors")
	d.open("error")
	d.text("key", f.key)
	d.text("message", f.message)
	d.close("error")
	d.close("errors")
	return s.xmlReply(d)
}

func (s *Server) document(returncode string) *document {
	return newDocument(s.conf.quirks, returncode)
}

// validation is a failure to validate, whose key depended on the release.
func (s *Server) validation(key, message string) *failure {
	if s.conf.quirks.OnlyValidationError {
		key = "validationError"
	}
	return &failure{key, message}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
