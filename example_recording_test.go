package bbb_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
)

// recordedGroup returns a group over three fake servers with two recordings each.
func recordedGroup() (group *bbb.Group, closeAll func()) {
	group, fakes, closeAll := exampleGroup()
	for i, fake := range fakes {
		for j, lesson := range []string{"physics", "algebra"} {
			start := time.Date(2026, time.March, 2+i+3*j, 8, 0, 0, 0, time.UTC)
			fake.AddRecording(bbbtest.Recording{
				RecordID: fmt.Sprintf("%s-%d", lesson, i+1), MeetingID: lesson, Name: lesson,
				Start: start, End: start.Add(45 * time.Minute),
				Metadata: map[string]string{"school": []string{"north", "south", "north"}[i]},
			})
		}
	}
	return group, closeAll
}

// A page of the list is a page of all servers, newest first.
func ExampleGroup_Recordings() {
	group, closeAll := recordedGroup()
	defer closeAll()

	list, err := group.Recordings(context.Background(), bbb.RecordingFilter{Offset: 2, Limit: 2})
	if ge, ok := errors.AsType[*bbb.GroupError](err); ok && !ge.AllFailed() {
		fmt.Println("without those of", ge.Names())
	} else if err != nil {
		log.Fatal(err)
	}
	for _, r := range list.Recordings {
		fmt.Println(r.StartTime.Format(time.DateOnly), r.Name, "on", r.Server().Name())
	}
	fmt.Println(list.Total, "in all")
	// Output:
	// 2026-03-05 algebra on bbb1
	// 2026-03-04 physics on bbb3
	// 6 in all
}

// Any number of recordings pass by in a loop.
func ExampleGroup_AllRecordings() {
	group, closeAll := recordedGroup()
	defer closeAll()

	filter := bbb.RecordingFilter{Meta: map[string]string{"school": "nor%"}}
	for r, err := range group.AllRecordings(context.Background(), filter) {
		if err != nil {
			log.Fatal(err) // some servers' recordings are missing
		}
		fmt.Println(r.Name, "on", r.Server().Name())
	}
	// Output:
	// physics on bbb1
	// algebra on bbb1
	// physics on bbb3
	// algebra on bbb3
}

// A change finds the servers that have the recordings, and names those that nobody
// has.
func ExampleGroup_UnpublishRecordings() {
	group, closeAll := recordedGroup()
	defer closeAll()

	err := group.UnpublishRecordings(context.Background(), "physics-1", "algebra-3", "chemistry-1")
	if re, ok := errors.AsType[*bbb.RecordingsError](err); ok {
		fmt.Println("not found:", re.NotFound)
	} else if err != nil {
		log.Fatal(err)
	}
	fmt.Println(errors.Is(err, bbb.ErrRecordingNotFound))
	// Output:
	// not found: [chemistry-1]
	// true
}

// Metadata is written key by key, and recordings are found by it.
func ExampleGroup_UpdateRecordings() {
	ctx := context.Background()
	group, closeAll := recordedGroup()
	defer closeAll()

	if err := group.UpdateRecordings(ctx, map[string]string{"topic": "optics", "school": ""}, "physics-2"); err != nil {
		log.Fatal(err)
	}
	list, err := group.Recordings(ctx, bbb.RecordingFilter{Meta: map[string]string{"topic": "opt%"}})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range list.Recordings {
		fmt.Println(r.ID, r.Metadata)
	}
	// Output: physics-2 map[topic:optics]
}

// A recording manages itself.
func ExampleRecording() {
	ctx := context.Background()
	group, closeAll := recordedGroup()
	defer closeAll()

	list, err := group.Recordings(ctx, bbb.RecordingFilter{MeetingIDs: []string{"physics"}, RecordIDs: []string{"physics-1"}})
	if err != nil {
		log.Fatal(err)
	}
	r := list.Recordings[0]
	fmt.Println(r)
	if video := r.Format("video"); video != nil {
		fmt.Println(video.Length)
	}
	if err := r.Delete(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// recording "physics" (physics-1) on bbb1: published, 2 formats
	// 45m0s
}

// A tenant sees its own recordings only, and changes no others.
func ExampleScope_Recordings() {
	ctx := context.Background()
	group, closeAll := recordedGroup()
	defer closeAll()

	south, err := group.Scope(map[string]string{"school": "south"})
	if err != nil {
		log.Fatal(err)
	}
	list, err := south.Recordings(ctx, bbb.RecordingFilter{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(list.Total)
	fmt.Println(errors.Is(south.PublishRecordings(ctx, "physics-1"), bbb.ErrRecordingNotFound))
	// Output:
	// 2
	// true
}

// Captions of any size go out as they are read; an *os.File is as good as any reader.
// The URL of a track is good for one download, so the list is asked for each time.
func ExampleGroup_PutTextTrack() {
	ctx := context.Background()
	group, closeAll := recordedGroup()
	defer closeAll()

	captions := strings.NewReader("WEBVTT\n\n00:00.000 --> 00:02.000\nWelcome to physics.\n")
	err := group.PutTextTrack(ctx, "physics-2", bbb.TextTrackUpload{
		Kind: bbb.TextTrackCaptions, Lang: "en-GB", Label: "English",
	}, captions)
	if err != nil {
		log.Fatal(err)
	}
	tracks, err := group.TextTracks(ctx, "physics-2")
	if err != nil {
		log.Fatal(err)
	}
	for _, track := range tracks {
		fmt.Println(track, track.Href != "")
	}
	// Output: captions in en-GB (English, upload) true
}
