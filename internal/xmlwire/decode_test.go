package xmlwire_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// Every way of writing a text that a server or a proxy may choose.
func TestDecodeText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"plain":                     {"a b", "a b"},
		"empty":                     {"", ""},
		"named entities":            {"&lt;a&gt; &amp; &quot;b&apos;", `<a> & "b'`},
		"decimal reference":         {"&#65;&#0000000228;", "Aä"},
		"hexadecimal reference":     {"&#x41;&#xe4;&#x1F600;", "Aä😀"},
		"adjacent entities":         {"&amp;&amp;amp;&lt;", "&&amp;<"},
		"CDATA alone":               {"<![CDATA[a & <b>]]>", "a & <b>"},
		"CDATA mixed":               {"a<![CDATA[&amp;]]>&amp;<![CDATA[]]]]><![CDATA[>]]>b", "a&amp;&]]>b"},
		"CDATA empty":               {"<![CDATA[]]>", ""},
		"comment":                   {"a<!-- <b> & - -->b", "ab"},
		"comment empty":             {"a<!---->b", "ab"},
		"processing instruction":    {"a<?php echo '>' ?>b<?p?>", "ab"},
		"child element":             {"a<x>not<y/>this</x>b", "ab"},
		"CR LF":                     {"a\r\nb\rc\r\r\nd", "a\nb\nc\n\nd"},
		"CR LF in CDATA":            {"<![CDATA[a\r\nb\rc]]>", "a\nb\nc"},
		"CR by reference":           {"a&#13;\n&#xD;b", "a\r\n\rb"},
		"outer blanks":              {" \n\ta \n", " \n\ta \n"},
		"UTF-8":                     {"ä€😀\u00a0\uFFFD", "ä€😀\u00a0\uFFFD"},
		"brackets":                  {"]]]&gt; ] ]]", "]]]> ] ]]"},
		"brackets split":            {"]]<!-- -->>", "]]>"},
		"quotes and greater":        {`"a' > b`, `"a' > b`},
		"delete and next line":      {"\x7f\u0085", "\x7f\u0085"},
		"reference as last of text": {"a&lt;<!---->", "a<"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := decode("<response><meetingName>" + c.in + "</meetingName></response>")
			require.NoError(t, err)
			assert.Equal(t, c.want, d.Name)

			// The same text as a value of a map and beside other elements.
			d, err = decode("<response><metadata><k>" + c.in + "</k></metadata>" + c.in + "<other>" + c.in + "</other></response>")
			require.NoError(t, err)
			assert.Equal(t, map[string]string{"k": c.want}, d.Metadata)
		})
	}
}

// Every way of writing a document around the same value.
func TestDecodeDocument(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"bare":                     `<response><meetingName>a</meetingName></response>`,
		"declaration":              `<?xml version="1.0" encoding="UTF-8" standalone='yes' ?><response><meetingName>a</meetingName></response>`,
		"declaration in lower":     `<?xml version='1.0' encoding='utf-8'?><response><meetingName>a</meetingName></response>`,
		"declaration of ASCII":     `<?xml version="1.0" encoding="US-ASCII"?><response><meetingName>a</meetingName></response>`,
		"declaration after blank":  "\n" + `<?xml version="1.0"?><response><meetingName>a</meetingName></response>`,
		"byte order mark":          "\uFEFF" + `<?xml version="1.0"?><response><meetingName>a</meetingName></response>`,
		"trailing newline":         "<response><meetingName>a</meetingName></response>\r\n",
		"comments all around":      `<!-- a --><response><!-- b --><meetingName>a</meetingName><!----></response><!-- c --><?d e?>`,
		"processing instructions":  `<?a?><response><?b c?><meetingName>a</meetingName><?d ?></response>`,
		"prefix":                   `<b:response xmlns:b="urn:b"><b:meetingName>a</b:meetingName></b:response>`,
		"default namespace":        `<response xmlns="urn:b"><meetingName xmlns="urn:c">a</meetingName></response>`,
		"white space":              "\n <response >\r\n\t<meetingName\n>a</meetingName \n>\n</response\t>",
		"attributes":               `<response a="1 > 0" b='"' c = "'" d="a/"><meetingName e="/" f='&amp;&#65;' >a</meetingName></response>`,
		"self-closing":             `<response><x/><x /><x a="/"/><x a='>' /><meetingName/><meetingName>a</meetingName></response>`,
		"unknown nested":           `<response><x><meetingName>b</meetingName><x><x/></x></x><meetingName>a</meetingName></response>`,
		"last counts":              `<response><meetingName>b</meetingName><meetingName>a</meetingName></response>`,
		"text between":             `<response>b<meetingName>a</meetingName>&amp;<![CDATA[c]]></response>`,
		"names beyond ASCII":       `<response><prénom a·="1"/><名前/><meetingName>a</meetingName></response>`,
		"names of any length":      `<response><a-b.c_1/><_/><meetingName>a</meetingName></response>`,
		"colons that do not split": `<response><:a/><a:/><meetingName>a</meetingName></response>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := decode(body)
			require.NoError(t, err)
			assert.Equal(t, document{Name: "a"}, d)
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	in := func(s string) string { return "<response><meetingName>" + s + "</meetingName></response>" }
	for name, c := range map[string]struct {
		body, msg string
		kind      error
	}{
		"truncated in text":       {"<response><meetingName>a", "too early", xmlwire.ErrTruncated},
		"truncated in tag":        {"<response><meeting", "too early", xmlwire.ErrTruncated},
		"truncated in end tag":    {"<response></respon", "too early", xmlwire.ErrTruncated},
		"truncated in attribute":  {`<response a="b`, "too early", xmlwire.ErrTruncated},
		"truncated in comment":    {"<response><!-- ", "too early", xmlwire.ErrTruncated},
		"truncated in prolog":     {"<!-- -->", "too early", xmlwire.ErrTruncated},
		"truncated after <":       {"<", "too early", xmlwire.ErrTruncated},
		"truncated reference":     {"<response>&am", "too early", xmlwire.ErrTruncated},
		"missing end tag":         {"<response><a></response>", `end tag "response" where "a" was due`, nil},
		"mismatched end tag":      {"<response><a></b></response>", `end tag "b" where "a" was due`, nil},
		"end tag prefix":          {"<response><n:a></a></response>", `end tag "a" where "n:a" was due`, nil},
		"end tag alone":           {"</response>", "malformed name", nil},
		"unknown entity":          {in("&nbsp;"), "unknown entity", nil},
		"entity in wrong case":    {in("&AMP;"), "unknown entity", nil},
		"entity in attribute":     {"<response a='&nbsp;'/>", "unknown entity", nil},
		"bare ampersand":          {in("a & b"), "does not begin a reference", nil},
		"ampersand before tag":    {in("a&"), "does not begin a reference", nil},
		"ampersand in attribute":  {"<response a='?b=1&c'/>", "does not begin a reference", nil},
		"empty reference":         {in("&;"), "does not begin a reference", nil},
		"empty number":            {in("&#;"), "malformed character reference", nil},
		"upper X":                 {in("&#X41;"), "malformed character reference", nil},
		"number too large":        {in("&#x110000;"), "illegal character", nil},
		"number much too large":   {in("&#99999999999999999999;"), "malformed character reference", nil},
		"NUL by reference":        {in("&#0;"), "illegal character", nil},
		"surrogate by reference":  {in("&#xD800;"), "illegal character", nil},
		"U+FFFE by reference":     {in("&#xFFFE;"), "illegal character", nil},
		"control by reference":    {in("&#x1;"), "illegal character", nil},
		"control in text":         {in("\x01"), "control character", nil},
		"NUL in text":             {in("\x00"), "control character", nil},
		"control in CDATA":        {in("<![CDATA[\x02]]>"), "control character", nil},
		"control in comment":      {in("<!--\x02-->"), "control character", nil},
		"control in attribute":    {"<response a='\x02'/>", "control character", nil},
		"invalid UTF-8":           {in("a\xffb"), "illegal UTF-8", xmlwire.ErrEncoding},
		"overlong UTF-8":          {in("\xc0\xaf"), "illegal UTF-8", xmlwire.ErrEncoding},
		"surrogate in UTF-8":      {in("\xed\xa0\x80"), "illegal UTF-8", xmlwire.ErrEncoding},
		"U+FFFF":                  {in("\uFFFF"), "illegal UTF-8", xmlwire.ErrEncoding},
		"U+FFFE in a name":        {"<response><a\uFFFE/></response>", "illegal UTF-8", xmlwire.ErrEncoding},
		"UTF-16 with mark":        {"\xfe\xff\x00<\x00r", "illegal UTF-8", xmlwire.ErrEncoding},
		"UTF-16":                  {"\xff\xfe<\x00r\x00", "illegal UTF-8", xmlwire.ErrEncoding},
		"declared Latin-1":        {`<?xml version="1.0" encoding="ISO-8859-1"?><response/>`, "declared encoding", xmlwire.ErrEncoding},
		"declared version":        {`<?xml version="1.1"?><response/>`, "declared version", nil},
		"declaration malformed":   {`<?xml version=1.0?><response/>`, "malformed tag", nil},
		"declaration not closed":  {`<?xml version="1.0"><response/>`, "malformed tag", nil},
		"declaration half closed": {`<?xml version="1.0"? ><response/>`, "malformed tag", nil},
		"declaration of more":     {`<?xml version="1.0" a="?>"?><response/>`, "malformed tag", nil},
		"declaration alone":       {`<?xml standalone="?>"?><response/>`, "malformed tag", nil},
		"declaration inside":      {`<response><?xml version="1.0"?></response>`, "inside the document", nil},
		"DOCTYPE":                 {`<!DOCTYPE response [<!ENTITY a "b">]><response>&a;</response>`, "document type", xmlwire.ErrDTD},
		"DOCTYPE without name":    {`<!DOCTYPE >`, "document type", xmlwire.ErrDTD},
		"ENTITY":                  {`<!ENTITY a "b"><response/>`, "document type", xmlwire.ErrDTD},
		"DOCTYPE inside":          {`<response><!DOCTYPE response></response>`, "document type", xmlwire.ErrDTD},
		"DOCTYPE in text":         {in(`a<!DOCTYPE response>`), "document type", xmlwire.ErrDTD},
		"DOCTYPE behind":          {`<response/><!DOCTYPE response>`, "document type", xmlwire.ErrDTD},
		"text before":             {"Bad Gateway", "outside the root", nil},
		"JSON":                    {`{"response":{"returncode":"FAILED"}}`, "outside the root", nil},
		"text behind":             {"<response/>a", "outside the root", nil},
		"reference behind":        {"<response/>&#32;", "outside the root", nil},
		"CDATA behind":            {"<response/><![CDATA[]]>", "outside the root", nil},
		"second root":             {"<response/><response/>", "second root", nil},
		"second document":         {`<response/><?xml version="1.0"?>`, "inside the document", nil},
		"comment with dashes":     {"<response><!-- a -- b --></response>", "inside a comment", nil},
		"brackets in text":        {in("a]]>b"), "outside a CDATA section", nil},
		"name with blank":         {"<response>< a/></response>", "malformed name", nil},
		"name with digit":         {"<response><customdata><1st>a</1st></customdata></response>", "malformed name", nil},
		"name with two colons":    {"<response><a:b:c/></response>", "malformed name", nil},
		"name with odd character": {"<response><a×/></response>", "malformed name", nil},
		"name with odd start":     {"<response><·a/></response>", "malformed name", nil},
		"attribute without value": {"<response a/>", "malformed tag", nil},
		"attribute without quote": {"<response a=b/>", "malformed tag", nil},
		"attribute without gap":   {`<response a="1"b="2"/>`, "no white space", nil},
		"attribute twice":         {`<response a="1" b="2" a="1"/>`, "given twice", nil},
		"attribute with less":     {`<response a="<"/>`, `"<" in an attribute`, nil},
		"attribute malformed":     {`<response ="1"/>`, "malformed name", nil},
		"slash inside tag":        {"<response / >", "malformed tag", nil},
		"end tag with attribute":  {`<response></response a="b">`, "malformed tag", nil},
		"instruction in text":     {in("a<? b?>"), "malformed name", nil},
		"child in text":           {in("a<b></c>"), `end tag "c"`, nil},
		"malformed after child":   {in("a<b/>&"), "does not begin", nil},
		"in an image":             {"<response><playback><format><preview><images><image alt='a'>&</image></images></preview></format></playback></response>", "does not begin", nil},
		"in a map":                {"<response><metadata><a>&</a></metadata></response>", "does not begin", nil},
		"in a list of objects":    {"<response><playback><format>&</format></playback></response>", "does not begin", nil},
		"in a list":               {"<response><breakoutRooms><other>&</other></breakoutRooms></response>", "does not begin", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := decode(c.body)
			var syntax *xmlwire.SyntaxError
			require.ErrorAs(t, err, &syntax)
			assert.ErrorContains(t, err, c.msg)
			assert.Equal(t, c.kind, syntax.Unwrap())
			assert.LessOrEqual(t, syntax.Offset, len(c.body))
		})
	}
}

func TestDecodeEmptyBody(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", " \r\n\t", "\uFEFF", "\uFEFF\n"} {
		_, err := decode(body)
		assert.ErrorIs(t, err, xmlwire.ErrEmpty, "%q", body)
	}
}

func TestDecodeOtherRoot(t *testing.T) {
	t.Parallel()
	for body, got := range map[string]string{
		"<html><body>502 Bad Gateway</body></html>":                  "html",
		"<!DOCTYPE html>\n<html lang=en><body>Bad<br></body></html>": "html",
		"<!doctype HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\">":       "HTML",
		"<" + strings.Repeat("\x8a", 100) + ">":                      "…",
		"<Response/>":                                                "Response",
		"<x:" + strings.Repeat("ä", 100) + ">":                       strings.Repeat("ä", 20) + "…",
		"<a" + strings.Repeat("ä", 100) + ">":                        "a" + strings.Repeat("ä", 19) + "…",
	} {
		_, err := decode(body)
		var root *xmlwire.RootError
		require.ErrorAs(t, err, &root, "%q", body)
		assert.Equal(t, xmlwire.RootError{Got: got, Want: "response"}, *root)
		assert.EqualError(t, err, fmt.Sprintf("xml: root element is %q, not %q", got, "response"))
	}
}

func TestDecodeLimits(t *testing.T) {
	t.Parallel()
	try := func(body string, lim xmlwire.Limits) error {
		return documentRecord.Decode([]byte(body), "response", new(document), lim)
	}
	nest := func(n int) string { return strings.Repeat("<response>", n) + strings.Repeat("</response>", n) }
	require.NoError(t, try(nest(32), xmlwire.Limits{}))
	require.ErrorIs(t, try(nest(33), xmlwire.Limits{}), xmlwire.ErrLimit)
	require.ErrorIs(t, try(strings.Repeat("<response>", 1e6), xmlwire.Limits{}), xmlwire.ErrLimit)
	require.NoError(t, try(nest(3), xmlwire.Limits{Depth: 3}))
	require.ErrorIs(t, try(nest(3), xmlwire.Limits{Depth: 2}), xmlwire.ErrLimit)

	many := "<response>" + strings.Repeat("<a/>", 9) + "</response>"
	require.NoError(t, try(many, xmlwire.Limits{Elements: 10}))
	require.ErrorIs(t, try(many, xmlwire.Limits{Elements: 9}), xmlwire.ErrLimit)

	attributes := func(n int) string {
		var s strings.Builder
		s.WriteString("<response")
		for i := range n {
			fmt.Fprintf(&s, " a%d=''", i)
		}
		return s.String() + "/>"
	}
	require.NoError(t, try(attributes(64), xmlwire.Limits{}))
	require.ErrorIs(t, try(attributes(65), xmlwire.Limits{}), xmlwire.ErrLimit)
}

const everything = `<?xml version="1.0" encoding="UTF-8"?>
<!-- a -->
<response xmlns="urn:a" b='&lt;'>
  <returncode>SUCCESS</returncode><messageKey/>
  <meetingName>ä &amp; <![CDATA[<b>]]> &#x1F600;</meetingName>
  <meetingID> a </meetingID><running>TRUE</running><participantCount>1,234</participantCount>
  <rawSize>9000000000</rawSize><startTime>1700000000123</startTime><duration>90</duration>
  <breakout><parentMeetingID>p</parentMeetingID><sequence>3</sequence></breakout>
  <breakoutRooms><breakout>r1</breakout><breakout> r2 </breakout><other/></breakoutRooms>
  <attendees><attendee><userID>u1</userID><role>MODERATOR</role><isPresenter>true</isPresenter><customdata/></attendee>
    <attendee><userID>u2</userID><role>VIEWER</role><customdata><k-1>v</k-1><É>é</É></customdata></attendee></attendees>
  <playback><format><url>
      https://example.org/a?b=1&amp;c=2
    </url><preview><images><image height="5" alt="&quot;a&quot;" width='7'> https://example.org/i.png </image><image/></images></preview></format>
  </playback>
  <metadata>
    <bbb-recording-ready-url>https://example.org/</bbb-recording-ready-url><a/><a>1</a>
  </metadata>
  <?pi data?><unknown a="1"><b/>c</unknown><owner><userID>o</userID></owner>
</response>`

func TestDecodeEverything(t *testing.T) {
	t.Parallel()
	d, err := decode(everything)
	require.NoError(t, err)
	assert.Equal(t, everythingDecoded, d)
}

// A body cut off anywhere, even by one byte, must never pass for a shorter
// answer.
func TestDecodeRefusesEveryPrefix(t *testing.T) {
	t.Parallel()
	for n := range len(everything) {
		_, err := decode(everything[:n])
		if n == 0 {
			require.ErrorIs(t, err, xmlwire.ErrEmpty)
			continue
		}
		var syntax *xmlwire.SyntaxError
		require.ErrorAs(t, err, &syntax, "the first %d bytes", n)
		if !errors.Is(syntax, xmlwire.ErrEncoding) { // cut within a character
			require.ErrorIs(t, err, xmlwire.ErrTruncated, "the first %d bytes: %v", n, err)
		}
	}
}

// The reader of a body may reuse its buffer.
func TestDecodeCopies(t *testing.T) {
	t.Parallel()
	body := []byte(everything)
	var d document
	require.NoError(t, documentRecord.Decode(body, "response", &d, xmlwire.Limits{}))
	clear(body)
	assert.Equal(t, everythingDecoded, d)
}

// Values can be passwords and must not get into a log by way of an error.
func TestErrorsHoldNoValues(t *testing.T) {
	t.Parallel()
	const secret = "s3cret"
	for _, format := range []string{
		"<response><attendeePW>%s&</attendeePW></response>",
		"<response><attendeePW>&%s;</attendeePW></response>",
		"<response><attendeePW a='%s<'/></response>",
		"<response><attendeePW a='%[1]s' a='%[1]s'/></response>",
		"<response><participantCount>%s</participantCount></response>",
		"<response><breakout><parentMeetingID>bbb-none</parentMeetingID></breakout><a>%s</a></response>",
		"<response><!--%s--%s--></response>",
		"<response><![CDATA[%s\x00]]></response>",
		`<?xml version="%s"?><response/>`,
		`<?xml encoding="%s"?><response/>`,
		"<response/>%s",
		"%s",
	} {
		_, err := decode(strings.ReplaceAll(strings.ReplaceAll(format, "%s", secret), "%[1]s", secret))
		require.Error(t, err, format)
		assert.NotContains(t, err.Error(), secret)
	}
}
