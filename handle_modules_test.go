package bbb_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var ofPhysics = url.Values{"meetingID": {"physics"}, "name": {"Physics"}}

// presented is the body with documents in it.
func presented(documents string) string {
	return `<modules><module name="presentation">` + documents + `</module></modules>`
}

// Bodies as clients write them arrive at the server as they were meant.
func TestModulesArriveAsTheyAreMeant(t *testing.T) {
	t.Parallel()
	hello := func(d bbbtest.Document) bbbtest.Document {
		sum := sha256.Sum256([]byte("hello"))
		d.Size, d.SHA256, d.Content = 5, hex.EncodeToString(sum[:]), "aGVsbG8="
		if d.Name == "" {
			d.Name = "a.pdf"
		}
		d.Current, d.Removable = true, true
		return d
	}
	for name, test := range map[string]struct {
		body string
		want []bbbtest.Document
		text map[string]string
	}{
		"plain":           {body: presented(`<document name="a.pdf">aGVsbG8=</document>`), want: []bbbtest.Document{hello(bbbtest.Document{})}},
		"line ends":       {body: presented("<document name='a.pdf'>\r\n  aGVs\n\tbG8=\r\n</document>"), want: []bbbtest.Document{hello(bbbtest.Document{})}},
		"references":      {body: presented("<document name='a.pdf'>aGVs&#13;&#10;&#xD;bG8&#61;</document>"), want: []bbbtest.Document{hello(bbbtest.Document{})}},
		"CDATA":           {body: presented("<document name='a.pdf'> <![CDATA[aGVs]]><!-- -> ]]> --><?pi ?><![CDATA[bG8=]]></document>"), want: []bbbtest.Document{hello(bbbtest.Document{})}},
		"no padding":      {body: presented("<document name='a.pdf'>aGVsbG8</document>"), want: []bbbtest.Document{hello(bbbtest.Document{})}},
		"a mark in front": {body: "\xef\xbb\xbf" + `<?xml version="1.0" encoding="UTF-16" standalone="yes"?> ` + presented("<document name='a.pdf'>aGVsbG8=</document>") + "\n", want: []bbbtest.Document{hello(bbbtest.Document{})}},
		"an odd name":     {body: presented("<document name='ä &amp; &lt;b&gt;.exe'>aGVsbG8=</document>"), want: []bbbtest.Document{hello(bbbtest.Document{Name: "ä & <b>.exe"})}},
		"neither":         {body: presented(`<document current="true"/><document></document><document name="a.pdf">aGVsbG8=</document>`), want: []bbbtest.Document{hello(bbbtest.Document{})}},
		"two, one of them current": {
			body: presented(`<document url=" https://files.test/x?a=1&amp;b=2 " filename="x.pdf" downloadable="TRUE" removable="no">text</document>` +
				`<document url="https://files.test/y"/><document name="b.odp" current="true" removable="">aGVsbG8=</document>`),
			want: []bbbtest.Document{
				{URL: "https://files.test/x?a=1&b=2", Name: "x.pdf", Downloadable: true},
				{URL: "https://files.test/y", Removable: true},
				hello(bbbtest.Document{Name: "b.odp"}),
			},
		},
		"texts": {
			body: `<modules><module name="clientSettingsOverride"><![CDATA[ {"public":{"a":"<b>"}} ]]></module><other><module name="x"/></other>` +
				`<module name="unknown">x</module><module>y</module><module name="sharedNotesInitialContentJson">{&quot;no</module>` +
				`<module name="clientSettingsOverride">second</module></modules>`,
			text: map[string]string{"clientSettingsOverride": `{"public":{"a":"<b>"}}`, "sharedNotesInitialContentJson": `{"no`},
		},
		"empty":            {body: ""},
		"nothing in it":    {body: " \n<modules/>"},
		"a prolog alone":   {body: `<?xml version="1.0"?>`},
		"nothing but room": {body: "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, fakes := newGroup(t, 1)
			for _, body := range []io.Reader{strings.NewReader(test.body), iotest.OneByteReader(strings.NewReader(test.body))} {
				require.NoError(t, g.EndMeeting(t.Context(), "physics", ""))
				r := g.HandleFromData(t.Context(), "create", ofPhysics, body)
				require.NoError(t, noted(t, r.Err))
				m, ok := fakes[0].Meeting("physics")
				require.True(t, ok)
				assert.Equal(t, test.want, m.Documents)
				if test.text != nil {
					assert.Equal(t, test.text, m.Modules)
				}
			}
		})
	}
}

// A meeting must not begin without the documents that came along: the create fails, and nothing is created.
func TestBodiesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	broken := errors.New("the client has gone")
	for name, test := range map[string]struct {
		body        io.Reader
		contentType string
		key         string
	}{
		"cut off in the content": {body: strings.NewReader(`<modules><module name="presentation"><document name="a.pdf">aGVs`)},
		"cut off after it":       {body: strings.NewReader(`<modules><module name="presentation"><document name="a.pdf">aGVsbG8=</document>`)},
		"broken":                 {body: io.MultiReader(strings.NewReader(`<modules><module name="presentation">`), iotest.ErrReader(broken))},
		"broken in the content":  {body: io.MultiReader(strings.NewReader(`<modules><module name="presentation"><document name="a.pdf">aGV`), iotest.ErrReader(broken))},
		"broken at once":         {body: iotest.ErrReader(broken)},
		"no XML":                 {body: strings.NewReader("hello")},
		"a form":                 {body: strings.NewReader("name=Physics")},
		"JSON":                   {body: strings.NewReader(`{"modules":[]}`)},
		"another root":           {body: strings.NewReader(`<response/>`)},
		"a document type":        {body: strings.NewReader(`<!DOCTYPE modules [<!ENTITY x SYSTEM "file:///etc/passwd">]><modules/>`)},
		"an entity":              {body: strings.NewReader(presented(`<document name="&x;.pdf">aGVsbG8=</document>`))},
		"no base64":              {body: strings.NewReader(presented(`<document name="a.pdf">hell*</document>`))},
		"half a byte":            {body: strings.NewReader(presented(`<document name="a.pdf">aGVsb</document>`))},
		"after the padding":      {body: strings.NewReader(presented(`<document name="a.pdf">aGVsbG8=aGVsbG8=</document>`))},
		"too much padding":       {body: strings.NewReader(presented(`<document name="a.pdf">aGVsbG8===</document>`))},
		"elements in it":         {body: strings.NewReader(presented(`<document name="a.pdf"><b>aGVsbG8=</b></document>`))},
		"an entity in it":        {body: strings.NewReader(presented(`<document name="a.pdf">aGV&amp;sbG8=</document>`))},
		"an open comment in it":  {body: strings.NewReader(presented(`<document name="a.pdf">aGV<!-- sbG8=</document>`))},
		"an empty document":      {body: strings.NewReader(presented(`<document name="a.pdf"/>`))},
		"a blank document":       {body: strings.NewReader(presented(`<document name="a.pdf"> </document>`))},
		"another end tag":        {body: strings.NewReader(presented(`<document name="a.pdf">aGVsbG8=</doc>`))},
		"broken text":            {body: strings.NewReader(presented("<document name=\"a\xff.pdf\">aGVsbG8=</document>"))},
		"too many documents":     {body: strings.NewReader(presented(strings.Repeat(`<document url="https://files.test/a.pdf"/>`, 1001)))},
		"nested too deep":        {body: strings.NewReader(strings.Repeat(`<modules>`, 40) + strings.Repeat(`</modules>`, 40))},
		"a tag without end":      {body: io.MultiReader(strings.NewReader(`<modules><module name="`), io.LimitReader(withoutEnd('x'), 1<<30))},
		"a text without end":     {body: io.MultiReader(strings.NewReader(`<modules><module name="clientSettingsOverride">`), io.LimitReader(withoutEnd('x'), 1<<30))},
		"many short texts":       {body: io.MultiReader(strings.NewReader(`<modules><module name="clientSettingsOverride">`), io.LimitReader(repeated("xxxxxxxxxxxx<b/>"), 1<<30))},
		"a wrong type":           {body: strings.NewReader("<modules/>"), contentType: "text/plain", key: "unsupportedContentType"},
		"a form by its type":     {body: strings.NewReader("a=b"), contentType: "application/x-www-form-urlencoded", key: "unsupportedContentType"},
		"over the limit": {
			body: http.MaxBytesReader(httptest.NewRecorder(), io.NopCloser(strings.NewReader(presented(`<document name="a.pdf">aGVsbG8=</document>`))), 70),
			key:  "sizeError",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, fakes := newGroup(t, 1)
			r := g.HandleFromData(t.Context(), "create", ofPhysics, test.body, bbb.HandleContentType(test.contentType))
			assert.True(t, r.Failed())
			if test.key == "" {
				test.key = "validationError"
			}
			assert.Equal(t, test.key, r.Key)
			require.Error(t, noted(t, r.Err))
			assert.Equal(t, name == "over the limit", r.StatusCode == http.StatusRequestEntityTooLarge)
			assert.Empty(t, fakes[0].Meetings())
			assert.NotContains(t, string(r.AppendBody(nil)), "passwd")
			_, made := fakes[0].Meeting("physics")
			assert.False(t, made)
		})
	}
	g, fakes := newGroup(t, 1)
	create(t, g, "physics")
	for _, body := range []string{"", presented(""), presented(`<document name="a.pdf">`), "hello"} {
		r := proxied{"insertDocument", "meetingID=physics", body}.on(t, g)
		assert.Equal(t, "validationError", r.Key, "%q", body)
	}
	assert.Zero(t, requests(fakes, "insertDocument"))
}

type withoutEnd byte

func (f withoutEnd) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(f)
	}
	return len(p), nil
}

type repeated string

func (r repeated) Read(p []byte) (n int, _ error) {
	for len(p)-n >= len(r) {
		n += copy(p[n:], r)
	}
	return n, nil
}

// Large documents are not held in memory, nor left on the disk, and go to the next server when one refuses them.
func TestLargeDocumentsOfACall(t *testing.T) { //nolint:paralleltest // sets the directory for files
	directory := t.TempDir()
	t.Setenv("TMPDIR", directory)
	t.Setenv("TMP", directory)
	g, fakes := newGroup(t, 3)
	for _, f := range fakes {
		f.Inject(bbbtest.Fault{Call: "create", Times: 1, Status: http.StatusForbidden})
	}
	fakes[0].ClearFaults()
	contents := [][]byte{randomBytes(rand.New(rand.NewPCG(1, 2)), 3), randomBytes(rand.New(rand.NewPCG(3, 4)), 3<<20+1), randomBytes(rand.New(rand.NewPCG(5, 6)), 700_000)}
	var documents strings.Builder
	for i, content := range contents {
		documents.WriteString(`<document name="` + string(rune('a'+i)) + `.pdf">` + base64.StdEncoding.EncodeToString(content) + `</document>`)
	}
	r := g.HandleFromData(t.Context(), "create", ofPhysics, strings.NewReader(presented(documents.String())))
	require.NoError(t, noted(t, r.Err))
	m, ok := fakes[0].Meeting("physics")
	require.True(t, ok, "the only one that takes it")
	require.Len(t, m.Documents, len(contents))
	for i, content := range contents {
		sum := sha256.Sum256(content)
		assert.Equal(t, hex.EncodeToString(sum[:]), m.Documents[i].SHA256)
	}
	r = g.HandleFromData(t.Context(), "insertDocument", ofPhysics, strings.NewReader(presented(documents.String())))
	require.NoError(t, noted(t, r.Err))
	m, _ = fakes[0].Meeting("physics")
	assert.Len(t, m.Documents, 2*len(contents))
	left, err := os.ReadDir(directory)
	require.NoError(t, err)
	assert.Empty(t, left)

	t.Setenv("TMPDIR", directory+"/none")
	t.Setenv("TMP", directory+"/none")
	r = g.HandleFromData(t.Context(), "insertDocument", ofPhysics, strings.NewReader(presented(documents.String())))
	assert.Equal(t, "internalError", r.Key, "the client is not to blame")
	require.Error(t, noted(t, r.Err))
	assert.NotContains(t, string(r.AppendBody(nil)), directory)

	r = newGroupOf(t, fakes[:1], bbb.WithUploadLimit(100)).HandleFromData(t.Context(), "insertDocument", ofPhysics,
		strings.NewReader(presented(`<document name="a.pdf">`+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("x"), 101))+`</document>`)))
	assert.Equal(t, "sizeError", r.Key)
	require.ErrorIs(t, noted(t, r.Err), bbb.ErrDocumentTooLarge)
}
