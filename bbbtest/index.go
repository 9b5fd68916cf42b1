package bbbtest

import (
	"mime"
	"net/url"
	"strings"
)

// index answers the index call: versions, without a checksum.
func (s *Server) index(q *request) reply {
	const apiVersion = "2.0" // of every line; it is not the release
	rel := s.conf.release
	bbbVersion := rel.text
	if s.conf.quirks.HideVersion {
		bbbVersion = ""
	}
	u, _ := url.Parse(s.URL())
	socket := strings.Replace(u.Scheme, "http", "ws", 1) + "://" + u.Host + "/graphql"
	rest := u.Scheme + "://" + u.Host + "/api/rest"
	const sdkVersion = "0.0.95"

	if mediaType, _, _ := mime.ParseMediaType(q.http.Header.Get("Content-Type")); mediaType == "application/json" && rel.atLeast(3, 0) {
		return s.jsonReply(struct {
			Returncode string `json:"returncode"`
			Version    string `json:"version"`
			APIVersion string `json:"apiVersion"`
			BBBVersion string `json:"bbbVersion"`
			SDKVersion string `json:"html5PluginSdkVersion"`
			Socket     string `json:"graphqlWebsocketUrl"`
			REST       string `json:"graphqlApiUrl"`
		}{success, apiVersion, apiVersion, bbbVersion, sdkVersion, socket, rest})
	}
	d := s.document(success)
	d.text("version", apiVersion)
	if rel.atLeast(2, 5) { // "after 2.4"; the exact release is not known
		d.text("apiVersion", apiVersion)
		d.text("bbbVersion", bbbVersion)
	}
	if rel.atLeast(3, 0) {
		d.text("html5PluginSdkVersion", sdkVersion)
		d.text("graphqlWebsocketUrl", socket)
		d.text("graphqlApiUrl", rest)
	}
	return s.xmlReply(d)
}
