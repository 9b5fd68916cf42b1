package bbb

import (
	"io"
	"path"
	"slices"
	"strings"
)

// A Document is a presentation for a meeting: one that the server fetches from a
// URL, or one whose content goes along. Give it to a create
// ([CreateParams.Documents]) or to InsertDocuments.
//
//	bbb.Document{URL: "https://files.example.org/plan.pdf"}
//	bbb.Document{Name: "plan.pdf", Content: file}
//
// Servers convert pdf, doc, docx, xls, xlsx, ppt, pptx, odt, ods, odp, odg, jpg,
// jpeg, png, webp, svg, rtf and txt, and tell the kind by the extension of the
// name. They do so after they have answered: that a document cannot be fetched or
// converted shows in the meeting only.
type Document struct {
	// URL is where the server fetches the document, by http or https. Exactly one
	// of URL and Content is to be given.
	URL string
	// Filename is the name that people see of a document with a URL. The server
	// takes it from the URL by default.
	Filename string

	// Name is the file name of a document with Content, with its extension.
	Name string
	// Content is read while it is sent and never kept. It is sent a second time (to
	// a server with a second secret, to another server after a refusal) only if
	// nothing of it was read yet or it is an [io.Seeker], such as a file or a
	// [bytes.Reader]. After a call that failed, a Content that can seek is back where
	// it was. It is not closed. As everywhere in net/http, a Read that never returns
	// holds up the call beyond its time-out.
	Content io.Reader `json:"-"`
	// Size is the number of bytes in Content. It is found out by itself for an
	// [io.Seeker] and for what has a Len method; when it is known of all documents,
	// too large ones are refused before anything is sent, and servers learn the
	// length of the body. A Content that turns out to be of another size is an error.
	Size int64

	// Current makes this the document on show. One of a call can be current; the
	// first is when none is.
	Current *bool
	// Downloadable lets people download it. The default is false; older
	// descriptions of the API say true, so send it to be sure.
	Downloadable *bool
	// Removable lets presenters remove it. The default is true; older descriptions
	// of the API say false, so send it to be sure.
	Removable *bool
}

// documentTypes are the extensions of what servers convert.
var documentTypes = []string{
	"pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "odg",
	"jpg", "jpeg", "png", "webp", "svg", "rtf", "txt",
}

// problem tells what is wrong with the document, "" when nothing is. It reads
// nothing.
func (d *Document) problem() string {
	switch {
	case d.URL != "" && d.Content != nil:
		return "has both URL and Content"
	case d.URL == "" && d.Content == nil:
		return "has neither URL nor Content"
	case d.Size < 0:
		return "has a negative Size"
	case d.URL == "":
		if d.Filename != "" {
			return "has a Filename beside its Content; it is called Name there"
		}
		return problemOfName("Name", d.Name)
	case d.Name != "":
		return "has a Name beside its URL; it is called Filename there"
	case webURL(d.URL) != "" || oneLine(d.URL) != "":
		return "has a URL that is not an absolute http or https URL"
	case d.Filename != "":
		return problemOfName("Filename", d.Filename)
	}
	return ""
}

// problemOfName tells what a server would refuse as fileNameError, or take and
// then not convert.
func problemOfName(field, name string) string {
	switch extension := strings.ToLower(strings.TrimPrefix(path.Ext(name), ".")); {
	case name == "":
		return "has no " + field
	case xmlProblem(name) != "" || oneLine(name) != "" || strings.ContainsAny(name, `/\`):
		return "has a " + field + " with slashes, control characters or broken UTF-8"
	case extension == "":
		return "has a " + field + " without extension"
	case strings.TrimSuffix(name, path.Ext(name)) == "":
		return "has a " + field + " that is only an extension"
	case !slices.Contains(documentTypes, extension):
		return "has a " + field + " with an extension that servers do not convert"
	}
	return ""
}

// reportDocuments reports what is wrong with the documents.
func reportDocuments(docs []Document, report func(param, problem string)) {
	current := 0
	for i := range docs {
		d := &docs[i]
		if problem := d.problem(); problem != "" {
			report(documentParam(i), problem)
		}
		if d.Current != nil && *d.Current {
			if current++; current > 1 {
				report(documentParam(i), "is current beside another one")
			}
		}
	}
}
