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
// # What the server sends
//
//	srv := bbbtest.New(bbbtest.WithCallbackHandler(handler))
//	...
//	err := srv.WaitCallbacks(ctx)
//
// Webhooks, and the callbacks a create call asks for, are really sent: those at the end of a meeting,
// of a recording that is ready, and of analytics, each signed, worded and repeated as the release
// does. They go to a handler in the same process ([WithCallbackHandler]), through any transport
// ([WithCallbackTransport]), or over the network, which is the default. [Server.Emit] sends any event.
// Close ends all of it.
//
// # Recordings
//
// A meeting created with record=true that somebody joined becomes a recording when it has ended: at
// once, or after [WithRecordingDelay]. [Server.AddRecording] puts one there by hand.
//
// # The machine below
//
// A [Machine] is what commands over ssh see: it runs small ones, and tells how busy it is.
//
// # What is emulated
//
// All calls of the releases 2.4 to 4.0:
//
//   - index, create, join, isMeetingRunning, end, getMeetingInfo, getMeetings, getSessions,
//     insertDocument and sendChatMessage;
//   - getRecordings, publishRecordings, deleteRecordings, updateRecordings, getRecordingTextTracks and
//     putRecordingTextTrack;
//   - hooks/create, hooks/list, hooks/destroy and hooks/ping of bbb-webhooks;
//   - getJoinUrl, learningDashboard, stuns, signOut, enter and guestWait, which take the token of a
//     session;
//   - getDefaultConfigXML and setConfigXML of the lines before 2.4.
//
// A call the release does not have is answered with 404. Of files that are sent, the size, the SHA-256
// and the beginning are kept, so they may be large. Meetings do not expire by themselves: neither
// duration nor the meetingExpire parameters end one; [Server.EndMeeting] does. Nothing is downloaded.
// Where it is not known how a release behaves, the fake is lenient in what it reads, and a comment at
// that place says so.
package bbbtest
