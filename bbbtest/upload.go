package bbbtest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"mime/multipart"
	"net/url"
)

// What is kept of a file that was sent.
const (
	maxHead   = 64 << 10 // bytes of its beginning
	maxStream = 1 << 30  // bytes of a body that is read as it comes
)

// digest takes in a file of any size and keeps little of it.
type digest struct {
	size int64
	head []byte
	hash hash.Hash
}

func newDigest() *digest { return &digest{hash: sha256.New()} }

func (d *digest) Write(p []byte) (int, error) {
	d.size += int64(len(p))
	d.head = append(d.head, p[:min(len(p), maxHead-len(d.head))]...)
	return d.hash.Write(p)
}

func (d *digest) sum() string { return hex.EncodeToString(d.hash.Sum(nil)) }

// base64Sink decodes base64, blanks and all, as it comes.
type base64Sink struct {
	*digest
	rest   []byte // letters that do not make a whole group yet
	broken bool
}

func newBase64Sink() *base64Sink { return &base64Sink{digest: newDigest()} }

func (b *base64Sink) Write(p []byte) (int, error) {
	for _, c := range p {
		if c > ' ' {
			b.rest = append(b.rest, c)
		}
	}
	b.decode(len(b.rest) &^ 3)
	return len(p), nil
}

func (b *base64Sink) decode(n int) {
	bytes, err := base64.StdEncoding.AppendDecode(nil, b.rest[:n])
	b.rest = append(b.rest[:0], b.rest[n:]...)
	b.broken = b.broken || err != nil
	_, _ = b.digest.Write(bytes)
}

// document fills in what is known of the content; of one that is no base64 only that it is none.
func (b *base64Sink) document(d *Document) {
	b.decode(len(b.rest))
	if !b.broken {
		d.Size, d.SHA256 = b.size, b.sum()
	}
}

// inbound is the body of a request, as far as it is kept.
type inbound struct {
	head    []byte     // all of an ordinary body, the beginning of one that was read as it came
	xml     bool       // it was an XML body
	modules modules    // of an XML body
	bad     *failure   // why that body cannot be taken
	form    url.Values // of the multipart body of an upload
	upload  *TextTrack // the file in it
}

// source is a body that is read as it comes, up to maxStream. Its beginning is kept for the log.
type source struct {
	from io.Reader
	head []byte
	size int64
	err  error // other than the end
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	s.size += int64(n)
	s.head = append(s.head, p[:min(n, maxLoggedBody-len(s.head))]...)
	if s.size > maxStream {
		err = errBodyTooLarge
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// drain reads what is left, so that half a request is told from a whole one.
func (s *source) drain() error {
	_, _ = io.Copy(io.Discard, s)
	return s.err
}

// readUpload reads the multipart body of an upload.
func (in *inbound) readUpload(body io.Reader, boundary string) {
	in.form = url.Values{}
	reader := multipart.NewReader(body, boundary)
	for {
		part, err := reader.NextPart()
		if err != nil {
			return
		}
		if part.FormName() == "file" {
			d := newDigest()
			if _, err := io.Copy(d, part); err == nil && d.size > 0 {
				in.upload = &TextTrack{
					FileName: part.FileName(), ContentType: part.Header.Get("Content-Type"),
					Size: d.size, SHA256: d.sum(), Head: d.head,
				}
			}
			continue
		}
		if text, err := io.ReadAll(io.LimitReader(part, maxHead)); err == nil && part.FormName() != "" && part.FileName() == "" {
			in.form.Add(part.FormName(), string(text))
		}
	}
}
