package bbbtest_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/bbbtest"
)

// post sends an XML body with a signed query.
func (c *client) post(call, query, body string) answer {
	c.tb.Helper()
	return c.raw(http.MethodPost, call+"?"+sign(call, query, secret), "application/xml", body)
}

func TestDocumentsOfAnySize(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, start func(...bbbtest.Option) *client) {
		c := start()
		source := rand.NewChaCha8([32]byte{})
		for name, size := range map[string]int{"tiny": 1, "short": 40_000, "middle": 200_000, "long": 3_000_001} {
			file := make([]byte, size)
			_, _ = source.Read(file)
			var lines bytes.Buffer
			for text := base64.StdEncoding.EncodeToString(file); text != ""; {
				n := min(76, len(text))
				lines.WriteString(text[:n] + "\n")
				text = text[n:]
			}
			for _, wrap := range []string{"%s", "<![CDATA[%s]]>"} {
				id := name + fmt.Sprint(len(wrap))
				c.post("create", "name=abc&meetingID="+id, `<?xml version="1.0"?><modules><!-- > < --><module name="presentation">`+
					`<document name="a>b.pdf" downloadable='true' removable="false">`+fmt.Sprintf(wrap, lines.String())+
					`</document><document url="http://x" filename="y.pdf" current="true"/></module>`+
					`<module name="clientSettingsOverride"><![CDATA[{"a":[["]]}]]></module></modules>`)
				m, ok := c.Meeting(id)
				require.True(t, ok, id)
				require.Len(t, m.Documents, 2, id)
				d := m.Documents[0]
				assert.Equal(t, fmt.Sprint(size, " ", sum("sha256", string(file))), fmt.Sprint(d.Size, " ", d.SHA256), id)
				assert.Equal(t, "a>b.pdf true false", fmt.Sprint(d.Name, " ", d.Downloadable, " ", d.Removable))
				assert.Equal(t, size <= 40_000, d.Content != "", id)
				assert.Equal(t, bbbtest.Document{URL: "http://x", Name: "y.pdf", Current: true, Removable: true}, m.Documents[1])
				assert.Equal(t, map[string]string{"clientSettingsOverride": `{"a":[["]]}`}, m.Modules)
			}
		}
	})
}

func TestOddModules(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	for i, body := range []string{
		"<modules", "<modules><module name=\"presentation\">", "<other><module name=\"x\">y</module></other>", "text", "<modules><![CDATA[", "<modules><!-- ",
		"<modules>" + strings.Repeat("<", 20), "<?xml", "<modules><document name='x'/></modules>",
	} {
		id := fmt.Sprint("odd", i)
		assert.Equal(t, "SUCCESS", c.post("create", "name=abc&meetingID="+id, body).get("returncode"), body)
		m, _ := c.Meeting(id)
		assert.Empty(t, m.Documents, body)
	}
	a := c.post("create", "name=abc&meetingID=long", `<modules><module name="x">`+strings.Repeat("!", 2<<20)+`</module><module name="presentation"><document name="a.b">!!!!</document></module></modules>`)
	assert.Equal(t, "SUCCESS", a.get("returncode"))
	m, _ := c.Meeting("long")
	assert.Equal(t, map[string]string{"x": ""}, m.Modules, "too long to be kept")
	assert.Equal(t, []bbbtest.Document{{Name: "a.b", Content: "!!!!", Current: true, Removable: true}}, m.Documents, "it is no base64")
}

func TestInsertDocument(t *testing.T) {
	t.Parallel()
	body := func(name string) string {
		return `<modules><module name="presentation"><document name="` + name + `">AAAA</document></module></modules>`
	}
	c := inProcess(t)
	c.post("create", "meetingID=abc&name=abc", body("a.pdf"))
	c.call("create", "meetingID=off&name=off&disabledFeatures=chat,presentation")
	a := c.post("insertDocument", "meetingID=abc", body("b.pdf"))
	assert.Equal(t, []string{"returncode", "message"}, a.names())
	assert.Equal(t, "SUCCESS Presentation is being uploaded", a.get("returncode")+" "+a.get("message"))
	m, _ := c.Meeting("abc")
	require.Len(t, m.Documents, 2)
	assert.Equal(t, []bool{false, true}, []bool{m.Documents[0].Current, m.Documents[1].Current})

	a = c.post("insertDocument", "meetingID=none", body("b.pdf"))
	assert.Equal(t, []string{"returncode", "message"}, a.names())
	assert.Equal(t, "FAILED Meeting with id [none] not found.", a.get("returncode")+" "+a.get("message"))
	a = c.post("insertDocument", "meetingID=off", body("b.pdf"))
	assert.Equal(t, "FAILED Presentation feature is disabled, ignoring.", a.get("returncode")+" "+a.get("message"))
	assert.Equal(t, "fileNameError", c.post("insertDocument", "meetingID=abc", body("b")).key())
	assert.Equal(t, "missingParamMeetingID", c.post("insertDocument", "", body("b.pdf")).key())
	assert.Equal(t, "checksumError", c.raw(http.MethodPost, "insertDocument?meetingID=abc", "application/xml", body("b.pdf")).key())
	for _, contentType := range []string{"text/xml", "application/x-www-form-urlencoded", ""} {
		assert.Equal(t, "unsupportedContentType", c.raw(http.MethodPost, "insertDocument?"+sign("insertDocument", "meetingID=abc", secret), contentType, body("b.pdf")).key(), contentType)
	}
	assert.Equal(t, http.StatusInternalServerError, c.post("insertDocument", "meetingID=abc", "").status)
	assert.Equal(t, http.StatusMethodNotAllowed, c.call("insertDocument", "meetingID=abc").status)
	c = inProcess(t, bbbtest.WithVersion("2.5"))
	assert.Equal(t, http.StatusInternalServerError, c.call("insertDocument", "meetingID=abc").status, "a GET without documents")
	c = inProcess(t, bbbtest.WithVersion("2.4"))
	assert.Equal(t, http.StatusNotFound, c.post("insertDocument", "meetingID=abc", body("b.pdf")).status)
}
