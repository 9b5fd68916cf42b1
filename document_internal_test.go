package bbb

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A transport may read on when the call has returned. It gets nothing more, so
// that another attempt, or the caller, has the content for itself.
func TestContentBelongsToOneAttempt(t *testing.T) {
	t.Parallel()
	docs := openDocuments([]Document{{Name: "a.pdf", Content: strings.NewReader("content")}})
	c := docs[0].Content.(*content)
	first, err := c.take()
	require.NoError(t, err)
	old := &contentReader{content: c, turn: first, limit: 100}
	got := make([]byte, 3)
	n, err := old.Read(got)
	require.NoError(t, err)
	assert.Equal(t, "con", string(got[:n]))
	second, err := c.take()
	require.NoError(t, err)
	_, err = old.Read(got)
	require.ErrorIs(t, err, errNotYours)
	all, err := io.ReadAll(&contentReader{content: c, turn: second, limit: 100})
	require.NoError(t, err)
	assert.Equal(t, "content", string(all))
	_, err = c.Read(got)
	require.ErrorIs(t, err, errNotYours, "it is read in turns only")
}

// What is being read may be so for ever, unless it can seek: that is waited for.
func TestContentThatIsBeingRead(t *testing.T) {
	t.Parallel()
	in, out := io.Pipe()
	c := openDocuments([]Document{{Name: "a.pdf", Content: in}})[0].Content.(*content)
	turn, err := c.take()
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.ReadAll(&contentReader{content: c, turn: turn, limit: 100})
	}()
	_, err = out.Write([]byte("x")) // it is under way
	require.NoError(t, err)
	_, err = c.take()
	require.ErrorIs(t, err, errContentRead)
	require.NoError(t, out.Close())
	<-done

	c = openDocuments([]Document{{Name: "a.pdf", Content: strings.NewReader("x")}})[0].Content.(*content)
	c.mu.Lock()
	time.AfterFunc(time.Millisecond, c.mu.Unlock)
	_, err = c.take()
	require.NoError(t, err)
}

// seeker fails at the given call.
type seeker struct {
	io.Reader
	fails, calls int
}

func (s *seeker) Seek(int64, int) (int64, error) {
	if s.calls++; s.calls == s.fails {
		return 0, errors.New("cannot seek")
	}
	return 0, nil
}

func TestMeasureOfWhatCannotSeek(t *testing.T) {
	t.Parallel()
	for fails, rewinds := range map[int]bool{1: false, 2: true, 3: false} {
		c := openDocuments([]Document{{Content: &seeker{Reader: strings.NewReader("x"), fails: fails}}})[0].Content.(*content)
		assert.Equal(t, rewinds, c.seeker != nil, fails)
		assert.Equal(t, int64(-1), c.size, fails)
	}
	f, err := os.Open(os.DevNull)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	c := openDocuments([]Document{{Content: f}})[0].Content.(*content)
	assert.Nil(t, c.seeker, "a device is no file")
	assert.Nil(t, openDocuments(nil))
}

// Errors of the content come after what was read before them.
func TestBase64OfAReaderThatFails(t *testing.T) {
	t.Parallel()
	r := &base64Reader{src: io.MultiReader(strings.NewReader("abc"), &failingReader{})}
	_, err := io.ReadAll(r)
	require.EqualError(t, err, "failed")
	_, err = r.Read(make([]byte, 1))
	require.EqualError(t, err, "failed")
	r = &base64Reader{src: strings.NewReader(strings.Repeat("x", base64Chunk))}
	all, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Len(t, all, base64Chunk/3*4, "whole chunks, and then nothing")
}

type failingReader struct{}

func (*failingReader) Read([]byte) (int, error) { return 0, errors.New("failed") }

func TestCauseOfAnyError(t *testing.T) {
	t.Parallel()
	require.EqualError(t, withCause(io.EOF, errContentRead), "EOF: "+errContentRead.Error())
	e := &Error{Server: "bbb1", Call: "create", StatusCode: 403, Err: io.EOF}
	require.EqualError(t, withCause(e, errContentRead), "bbb: create on bbb1: HTTP 403: EOF: "+errContentRead.Error())
	require.Equal(t, io.EOF, e.Err, "the first one stays as it is")
}

func TestShownModulesStopWhenAsked(t *testing.T) {
	t.Parallel()
	p := CreateParams{Documents: []Document{{}}, ClientSettingsOverride: []byte("{}"), SharedNotesInitialContentJSON: []byte("{}")}
	for stop := range 4 {
		seen := 0
		for range createTable.shown(&p) {
			if seen++; seen > stop {
				break
			}
		}
		assert.Equal(t, min(stop+1, 3), seen)
	}
}
