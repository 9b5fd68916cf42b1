package bbb

import (
	"net/url"
	"time"
)

// joinTable describes the parameters of join in the order in which they are sent. To add one, add a
// field to [JoinParams] and a line here.
var joinTable = newParamTable(paramTable[JoinParams]{
	call:   "join",
	params: joinFields,
	families: []paramFamily[JoinParams]{{
		prefix:       "userdata-",
		field:        func(p *JoinParams) *map[string]string { return &p.UserData },
		keyRule:      userDataKey,
		plainKey:     letterByte | digitByte | underscoreByte | dotByte,
		leaveInExtra: hasDash,
		mask:         maskMap,
	}},
	extra: func(p *JoinParams) *url.Values { return &p.Extra },
	joint: validateJoinJointly,
})

var joinFields = []*param[JoinParams]{
	textParam("meetingID", func(p *JoinParams) *string { return &p.MeetingID }).required().rule(validateMeetingID),
	textParam("fullName", func(p *JoinParams) *string { return &p.FullName }).required().rule(length(1, 255)),
	roleParam("role", func(p *JoinParams) *Role { return &p.Role }),
	textParam("password", func(p *JoinParams) *string { return &p.Password }).secret(),
	millisParam("createTime", func(p *JoinParams) *time.Time { return &p.CreateTime }),
	textParam("userID", func(p *JoinParams) *string { return &p.UserID }),
	textParam("webVoiceConf", func(p *JoinParams) *string { return &p.WebVoiceConf }),
	enumParam("defaultLayout", func(p *JoinParams) *Layout { return &p.DefaultLayout }),
	urlParam("avatarURL", func(p *JoinParams) *string { return &p.AvatarURL }),
	urlParam("webcamBackgroundURL", func(p *JoinParams) *string { return &p.WebcamBackgroundURL }),
	flagParam("redirect", func(p *JoinParams) **bool { return &p.Redirect }),
	urlParam("errorRedirectUrl", func(p *JoinParams) *string { return &p.ErrorRedirectURL }).alsoReadAs("redirectErrorUrl"),
	flagParam("guest", func(p *JoinParams) **bool { return &p.Guest }),
	flagParam("auth", func(p *JoinParams) **bool { return &p.Auth }),
	flagParam("excludeFromDashboard", func(p *JoinParams) **bool { return &p.ExcludeFromDashboard }),
	flagParam("bot", func(p *JoinParams) **bool { return &p.Bot }),
	enumParam("enforceLayout", func(p *JoinParams) *Layout { return &p.EnforceLayout }),
	urlParam("logoutURL", func(p *JoinParams) *string { return &p.LogoutURL }),
	textParam("firstName", func(p *JoinParams) *string { return &p.FirstName }),
	textParam("lastName", func(p *JoinParams) *string { return &p.LastName }),
	textParam("existingUserID", func(p *JoinParams) *string { return &p.ExistingUserID }),
	textParam("replaceSessionToken", func(p *JoinParams) *string { return &p.ReplaceSessionToken }).secret(),
	textParam("sessionName", func(p *JoinParams) *string { return &p.SessionName }),
	flagParam("joinViaHtml5", func(p *JoinParams) **bool { return &p.JoinViaHTML5 }),
}

// validateJoinJointly checks what depends on more than one parameter.
func validateJoinJointly(p *JoinParams) (problems problemList) {
	report := func(param, problem string) { problems.add(callJoin, param, problem) }
	if p.Role == "" && p.Password == "" {
		report("role", "is required when there is no password")
	}
	if p.ExistingUserID == "" && p.ReplaceSessionToken != "" {
		report("existingUserID", "is required by replaceSessionToken")
	}
	if p.ExistingUserID == "" && p.SessionName != "" {
		report("existingUserID", "is required by sessionName")
	}
	return problems
}
