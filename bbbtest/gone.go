package bbbtest

// gone does what follows the end of a meeting. The mutex is held.
func (s *Server) gone(m *meeting) {
	s.recorded(m)
}
