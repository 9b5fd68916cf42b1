package bbbtest

// The checksum of the recording calls is refused in words of its own.
const recordingChecksum = "You did not pass the checksum security check"

// getRecordings answers that call.
func (s *Server) getRecordings(q *request) reply {
	part, bad := s.readPage(q)
	if bad != nil {
		return s.fail(*bad)
	}
	defer s.lock()()
	d := s.document(success)
	if s.conf.quirks.NoFetchAll && part == nil && q.get("meetingID") == "" && q.get("recordID") == "" {
		d.message("noRecordings", "No recordings found. This may occur if you attempt to retrieve all recordings.")
		return s.xmlReply(d)
	}
	all := s.selected(s.readSelection(q))
	list := all
	if part != nil {
		list = part.of(all)
	}
	if len(list) == 0 {
		d.raw("recordings", "")
	} else {
		d.open("recordings")
		for _, r := range list {
			s.writeRecording(d, r)
		}
		d.close("recordings")
	}
	if part != nil {
		s.writePage(d, part, len(all))
	}
	if len(list) == 0 {
		d.message("noRecordings", "There are no recordings for the meeting(s).")
	}
	return s.xmlReply(d)
}

// named returns the recordings with the ids of a call. One that was deleted is not there any more.
func (s *Server) named(q *request) ([]*recording, *failure) {
	var list []*recording
	for _, id := range q.csv("recordID") {
		if r := s.recordings.byID[id]; r != nil && r.State != stateDeleted {
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		return nil, &failure{"notFound", "We could not find recordings"}
	}
	return list, nil
}

func (s *Server) missingRecordID(q *request) *failure {
	if len(q.csv("recordID")) > 0 {
		return nil
	}
	return s.validation("missingParamRecordID", "You must specify a recordID.")
}

// publishRecordings answers that call. It echoes the parameter as it came.
func (s *Server) publishRecordings(q *request) reply {
	if bad := s.missingRecordID(q); bad != nil {
		return s.fail(*bad)
	}
	word := q.get("publish")
	if word == "" {
		return s.fail(*s.validation("missingParamPublish", "You must specify one a publish value true or false."))
	}
	defer s.lock()()
	list, bad := s.named(q)
	if bad != nil {
		return s.fail(*bad)
	}
	state := stateUnpublished
	if isTrue(word, false) {
		state = statePublished
	}
	for _, r := range list {
		if r.State == statePublished || r.State == stateUnpublished || r.State == stateAvailable {
			r.State = state
		}
	}
	if s.conf.quirks.PublishedState {
		word = state
	}
	d := s.document(success)
	d.text("published", word)
	return s.xmlReply(d)
}

// deleteRecordings answers that call.
func (s *Server) deleteRecordings(q *request) reply {
	if bad := s.missingRecordID(q); bad != nil {
		return s.fail(*bad)
	}
	defer s.lock()()
	list, bad := s.named(q)
	if bad != nil {
		return s.fail(*bad)
	}
	for _, r := range list {
		r.State = stateDeleted
	}
	d := s.document(success)
	d.boolean("deleted", true)
	return s.xmlReply(d)
}

// updateRecordings answers that call: an empty value deletes the key. It succeeds with no meta_
// parameter at all.
func (s *Server) updateRecordings(q *request) reply {
	if bad := s.missingRecordID(q); bad != nil {
		return s.fail(*bad)
	}
	defer s.lock()()
	list, bad := s.named(q)
	if bad != nil {
		return s.fail(*bad)
	}
	changed := false
	for _, r := range list {
		for key, value := range metaParams(q.params) {
			old, had := r.Metadata[key]
			changed = changed || old != value || had != (value != "")
			switch {
			case value == "":
				delete(r.Metadata, key)
			case r.Metadata == nil:
				r.Metadata = map[string]string{key: value}
			default:
				r.Metadata[key] = value
			}
		}
	}
	d := s.document(success)
	if s.conf.quirks.HonestUpdated {
		d.boolean("updated", changed && len(list) == len(q.csv("recordID")))
	} else {
		d.boolean("updated", true)
	}
	return s.xmlReply(d)
}
