package bbbtest

import (
	"net/url"
	"strconv"
	"strings"
)

// joinURL answers getJoinUrl: a link with which somebody who is inside joins once more. Its query
// begins with ?&, its values are encoded twice and its checksum is always SHA-1.
func (s *Server) joinURL(q *request) reply {
	defer s.lock()()
	v, wrong := s.visitor(q)
	switch {
	case wrong != "":
		return s.sessionFailure(q, wrong)
	case v.waiting:
		return s.sessionFailure(q, noAccess)
	}
	params := map[string]string{
		"meetingID": v.m.MeetingID, "fullName": v.person.FullName, "role": v.person.Role,
		"userID": v.person.UserID, "existingUserID": v.person.InternalUserID,
	}
	if q.boolean("replaceSession", false) {
		params["replaceSessionToken"] = v.session.token
	}
	for name, values := range q.params {
		if name == "sessionName" || name == "enforceLayout" || strings.HasPrefix(name, "userdata-") {
			params[name] = values[0]
		}
	}
	var query strings.Builder
	for _, name := range sortedKeys(params) {
		query.WriteString("&" + name + "=" + url.QueryEscape(url.QueryEscape(params[name])))
	}
	checksum := sha1hex("join" + query.String() + s.secrets[0])
	return s.jsonReply(map[string]any{
		"returncode": success, "message": "Join URL provided successfully.",
		"url": s.origin() + apiRoot + "/join?" + query.String() + "&checksum=" + checksum,
	})
}

// enter answers that call, with which the client of the lines before 3.0 began.
func (s *Server) enter(q *request) reply {
	defer s.lock()()
	v, wrong := s.visitor(q)
	if wrong == "" && v.waiting {
		wrong = noAccess
	}
	if wrong != "" {
		return s.jsonReply(map[string]any{
			"returncode": failed, "message": wrong, "sessionToken": q.get("sessionToken"), "logoutURL": s.logoutTarget(v.m),
		})
	}
	m, a, get := v.m, v.person, v.m.Params.Get
	answer := map[string]any{
		"returncode": success, "fullname": a.FullName, "confname": m.Name, "meetingID": m.InternalID, "externMeetingID": m.MeetingID,
		"externUserID": a.UserID, "internalUserID": a.InternalUserID, "authToken": v.session.token, "role": a.Role,
		"guest": a.Guest, "guestStatus": allow, "conference": m.InternalID, "room": m.InternalID, "voicebridge": m.VoiceBridge,
		"dialnumber": m.DialNumber, "webvoiceconf": m.VoiceBridge, "mode": "LIVE", "record": strconv.FormatBool(m.Record),
		"isBreakout": m.Breakout, "logoutTimer": 0, "allowStartStopRecording": isTrue(get("allowStartStopRecording"), true),
		"welcome": get("welcome"), "bannerText": get("bannerText"), "bannerColor": get("bannerColor"), "customLogoURL": get("logo"),
		"customCopyright": get("copyright"), "muteOnStart": isTrue(get("muteOnStart"), false),
		"allowModsToUnmuteUsers": isTrue(get("allowModsToUnmuteUsers"), false), "logoutUrl": s.logoutTarget(m),
		"defaultLayout": get("meetingLayout"), "avatarURL": a.Params.Get("avatarURL"),
		"breakoutRooms": map[string]any{"record": isTrue(get("breakoutRoomsRecord"), false), "privateChatEnabled": isTrue(get("breakoutRoomsPrivateChatEnabled"), true)},
		"customdata":    pairList(m.customData[a.UserID]), "metadata": pairList(m.Metadata),
	}
	if a.Role == moderator {
		answer["modOnlyMessage"] = get("moderatorOnlyMessage")
	}
	return s.jsonReply(answer)
}

// pairList is a list of objects with one key each.
func pairList(m map[string]string) []map[string]string {
	list := []map[string]string{}
	for _, key := range sortedKeys(m) {
		list = append(list, map[string]string{key: m[key]})
	}
	return list
}
