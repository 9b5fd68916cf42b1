// Package bbbtest is a BigBlueButton server that lives in memory, for tests and demonstrations.
//
// It keeps state as the real server does: a create makes a meeting, a join puts a person into it,
// an end takes it away, and every answer tells of it in the words, the order and with the oddities
// of the release that is emulated. It shares no code with package bbb on purpose. A fake that
// signed and decoded with the client's own code would agree with the client's mistakes.
//
// # A server without sockets
//
//	srv := bbbtest.New(bbbtest.WithVersion("2.7"))
//	defer srv.Close()
//	client := &http.Client{Transport: srv.Transport()}
//	resp, err := client.Get(srv.URL() + "api/")
//
// The transport opens no connection and starts no goroutine that outlives its request, so it works
// inside a [testing/synctest] bubble, where a latency of ten seconds costs nothing. [NetworkOf] does
// the same for several servers, told apart by the host of the URL.
//
// # A server with a socket
//
//	srv := bbbtest.Start(t)
//
// listens on a free port of the loopback interface and is closed when the test ends. A [Server] is
// an [http.Handler] as well.
//
// # Trouble on demand
//
//	remove := srv.Inject(bbbtest.Fault{Call: "create", Drop: true, Times: 1})
//
// See [Fault] for what can go wrong, and [Server.SetDown] for a whole outage.
//
// # What is emulated
//
// The calls index, create, join, isMeetingRunning, end, getMeetingInfo, getMeetings and getSessions
// of the releases 2.4 to 4.0. Meetings do not expire by themselves: neither duration nor the
// meetingExpire parameters end one; [Server.EndMeeting] does. Where it is not known how a release
// behaves, the fake is lenient in what it reads, and a comment at that place says so.
package bbbtest
