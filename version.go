package bbb

import (
	"context"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// Version is what a server says of itself. Fields that it does not send, as
// older releases and load balancers do not, are empty.
type Version struct {
	API                 string // version of the API: "2.0" for every release so far
	BBB                 string // release, such as "3.0.19"; servers hide it unless told to reveal it
	HTML5PluginSDK      string // since BigBlueButton 3.0
	GraphQLWebsocketURL string // since BigBlueButton 3.0
	GraphQLAPIURL       string // since BigBlueButton 3.0
	Build               string // of a load balancer in front (Scalelite)
}

type versionAnswer struct {
	status
	version string // the name of API before there was apiVersion
	Version Version
}

var versionRecord = xmlwire.NewRecord(append(
	xmlwire.Lift(func(a *versionAnswer) *status { return &a.status }, statusFields...),
	append([]xmlwire.Field[versionAnswer]{
		xmlwire.Trimmed("version", func(a *versionAnswer) *string { return &a.version }),
	}, xmlwire.Lift(func(a *versionAnswer) *Version { return &a.Version },
		xmlwire.Trimmed("apiVersion", func(v *Version) *string { return &v.API }),
		xmlwire.Trimmed("bbbVersion", func(v *Version) *string { return &v.BBB }),
		xmlwire.Trimmed("html5PluginSdkVersion", func(v *Version) *string { return &v.HTML5PluginSDK }),
		xmlwire.Trimmed("graphqlWebsocketUrl", func(v *Version) *string { return &v.GraphQLWebsocketURL }),
		xmlwire.Trimmed("graphqlApiUrl", func(v *Version) *string { return &v.GraphQLAPIURL }),
		xmlwire.Trimmed("build", func(v *Version) *string { return &v.Build }),
	)...)...)...)

// Version returns the version of the server. It asks the server the first time,
// and again ten minutes later or after a call to it failed; until then it returns
// what the server said, and [Server.Release] tells what follows from that. It
// needs no secret; to see whether a server is there and takes ours, call
// [Server.Refresh]. It stands for the call without a name, the index of the API.
func (s *Server) Version(ctx context.Context) (*Version, error) {
	if l, ok := s.knows(); ok {
		return new(l.version), nil
	}
	asked := s.group.now()
	got, err := fetch(ctx, s, request{call: callIndex, unsigned: true}, versionRecord)
	if err != nil {
		return nil, err
	}
	named := got.Version.API != ""
	if got.Version.API == "" {
		got.Version.API = got.version
	}
	s.learnRelease(&got.Version, named, asked)
	return &got.Version, nil
}
