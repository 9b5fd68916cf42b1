package bbb

import (
	"context"
	"net/url"
	"strings"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// The calls for the configuration of the Flash client.
const (
	callGetDefaultConfigXML = "getDefaultConfigXML"
	callSetConfigXML        = "setConfigXML"
)

// DefaultConfigXML returns the configuration of the Flash client, as the server
// wrote it. It is obsolete since BigBlueButton 2.3 and gone since 2.4, where the
// error matches [ErrNotSupported]. It stands for getDefaultConfigXML.
func (s *Server) DefaultConfigXML(ctx context.Context) ([]byte, error) {
	var config []byte
	err := s.do(ctx, request{call: callGetDefaultConfigXML}, func(resp *response) error {
		if err := resp.failure(); err != nil {
			return err
		}
		if err := resp.notXML(); err != nil {
			return err
		}
		config = append([]byte(nil), resp.body...)
		return nil
	})
	return config, err
}

type configAnswer struct {
	status
	Token string
}

var configRecord = xmlwire.NewRecord(append(
	xmlwire.Lift(func(a *configAnswer) *status { return &a.status }, statusFields...),
	xmlwire.Trimmed("token", func(a *configAnswer) *string { return &a.Token }),
	xmlwire.Trimmed("configToken", func(a *configAnswer) *string { return &a.Token }).DecodeOnly(),
)...)

// SetConfigXML gives a meeting a configuration of the Flash client and returns
// the token that join took as configToken. It is obsolete since BigBlueButton 2.3
// and gone since 2.4, where the error matches [ErrNotSupported].
//
// Its checksum has rules of its own: all is in a form body, and the hash, SHA-1
// whatever [WithAlgorithm] says, covers the parameters sorted by name and encoded
// as Java does. This is what clients of that time send; it was not tried on a
// server. A second secret is used only once another call has found out that it is
// the one. It stands for setConfigXML.
func (s *Server) SetConfigXML(ctx context.Context, meetingID, configXML string) (token string, err error) {
	var problems problemList
	if problem := validateMeetingID(meetingID); problem != "" {
		problems.add(callSetConfigXML, "meetingID", problem)
	}
	if configXML == "" || manyLines(configXML) != "" {
		problems.add(callSetConfigXML, "configXML", "is required and must be UTF-8 without control characters")
	}
	if err := problems.err(); err != nil {
		return "", err
	}
	form := javaForm(encodeValues(url.Values{"meetingID": {meetingID}, "configXML": {configXML}}))
	checksum := SHA1.Checksum(callSetConfigXML, string(form), s.cfg.secrets[s.secret.Load()])
	body := "checksum=" + checksum + "&" + string(form)
	got, err := fetch(ctx, s, request{call: callSetConfigXML, target: s.base + "/" + callSetConfigXML, upload: &upload{
		body: strings.NewReader(body), contentType: "application/x-www-form-urlencoded", length: int64(len(body)),
	}}, configRecord)
	if err != nil {
		return "", err
	}
	return got.Token, nil
}
