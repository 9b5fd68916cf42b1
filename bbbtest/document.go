package bbbtest

import (
	"encoding/xml"
	"slices"
	"strings"
)

// Document is a presentation that came in the XML body of a create call.
type Document struct {
	URL          string // set when the server shall download it
	Name         string // name, or filename beside a URL
	Content      string // base64 text as sent, when it came inside the body
	Current      bool
	Downloadable bool
	Removable    bool
}

// modules is what an XML body held.
type modules struct {
	documents []Document
	texts     map[string]string
}

// readModules reads an XML body. What a real server does with one that is no XML is not known; the
// fake makes the meeting without documents.
func readModules(body []byte) (modules, *failure) {
	var wire struct {
		XMLName xml.Name `xml:"modules"`
		Modules []struct {
			Name      string `xml:"name,attr"`
			Text      string `xml:",chardata"`
			Documents []struct {
				URL          string `xml:"url,attr"`
				Name         string `xml:"name,attr"`
				Filename     string `xml:"filename,attr"`
				Current      string `xml:"current,attr"`
				Downloadable string `xml:"downloadable,attr"`
				Removable    string `xml:"removable,attr"`
				Content      string `xml:",chardata"`
			} `xml:"document"`
		} `xml:"module"`
	}
	if len(body) == 0 || xml.Unmarshal(body, &wire) != nil {
		return modules{}, nil
	}
	read := modules{texts: map[string]string{}}
	for _, module := range wire.Modules {
		if module.Name != "presentation" {
			read.texts[module.Name] = strings.TrimSpace(module.Text)
			continue
		}
		for _, d := range module.Documents {
			doc := Document{
				URL:          d.URL,
				Name:         d.Name,
				Content:      strings.TrimSpace(d.Content),
				Current:      isTrue(d.Current, false),
				Downloadable: isTrue(d.Downloadable, false),
				Removable:    isTrue(d.Removable, true),
			}
			if doc.URL != "" {
				doc.Name = d.Filename
			} else if !strings.Contains(doc.Name, ".") {
				return modules{}, &failure{"fileNameError", "The file name of a document has no extension"}
			}
			read.documents = append(read.documents, doc)
		}
	}
	markCurrent(read.documents)
	return read, nil
}

// markCurrent leaves one document current: the first that asks for it, otherwise the first.
func markCurrent(docs []Document) {
	if len(docs) == 0 {
		return
	}
	current := max(slices.IndexFunc(docs, func(d Document) bool { return d.Current }), 0)
	for i := range docs {
		docs[i].Current = i == current
	}
}

// isTrue reads a boolean as Java does.
func isTrue(text string, absent bool) bool {
	if text == "" {
		return absent
	}
	return strings.EqualFold(strings.TrimSpace(text), "true")
}
