package bbbtest

import (
	"fmt"
	"html"
	"net/http"
	"strings"
)

// htmlReply answers a page for people.
func htmlReply(status int, title, text string) reply {
	title, text = html.EscapeString(title), html.EscapeString(text)
	body := fmt.Sprintf("<!DOCTYPE html>\n<html>\n<head><title>%s</title></head>\n<body>\n<h1>%s</h1>\n<p>%s</p>\n</body>\n</html>\n", title, title, text)
	return reply{status: status, header: http.Header{"Content-Type": {"text/html;charset=utf-8"}}, body: []byte(body)}
}

// errorPage is what stands in the place of an API answer when the web server in front, or the
// application's container, has something to say.
func errorPage(status int) reply {
	if status >= http.StatusBadGateway {
		return htmlReply(status, fmt.Sprintf("%d %s", status, http.StatusText(status)), "nginx")
	}
	return htmlReply(status, fmt.Sprintf("HTTP Status %d – %s", status, http.StatusText(status)), "Apache Tomcat")
}

// page answers what lies outside the API: the client a join leads to, and a front page.
func (s *Server) page(r *http.Request) reply {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return errorPage(http.StatusMethodNotAllowed)
	}
	path := strings.TrimSuffix(r.URL.Path, "/")
	if strings.HasPrefix(path, trackPath) {
		return s.trackFile(path)
	}
	switch path {
	case "", "/bigbluebutton":
		text := "This is no real BigBlueButton server. Its API is at " + s.URL() + "api/"
		if errors := r.URL.Query().Get("errors"); errors != "" {
			text = "The join failed: " + errors
		}
		return htmlReply(http.StatusOK, "BigBlueButton fake "+s.Name(), text)
	case s.conf.release.clientPath(), guestPath:
		meeting, user, ok := s.session(r.URL.Query().Get("sessionToken"))
		if !ok {
			return htmlReply(http.StatusUnauthorized, "BigBlueButton fake client", "There is no such session.")
		}
		return htmlReply(http.StatusOK, meeting, "Here "+user+" would see the meeting.")
	}
	return errorPage(http.StatusNotFound)
}
