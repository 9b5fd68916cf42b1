package bbbtest

func (s *Server) announce(*recording) {}

func (s *Server) emitAbout(*meeting, string) {}
