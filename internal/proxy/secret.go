package proxy

import "strings"

// A secret stands in the file itself, or the file says where it is.
const (
	secretFromEnv  = "env:"
	secretFromFile = "file:"
	maxSecretBytes = 64 << 10
)

// secret puts the secret in the place of what says where it is: "env:NAME" is a variable
// of the environment, "file:PATH" what is in a file, without the white space around, and anything else is the
// secret. An error names the place.
func (s source) secret(value *string, field string, p *problems) {
	from := *value
	if from == "" {
		p.add(field, "is missing")
		return
	}
	if name, ok := strings.CutPrefix(from, secretFromEnv); ok {
		*value = s.getenv(name)
		if *value == "" {
			p.add(field, "the environment variable %s is not set", name)
		}
		return
	}
	if path, ok := strings.CutPrefix(from, secretFromFile); ok {
		text, err := readLimited(s.beside(path), maxSecretBytes)
		if err != nil {
			p.add(field, "%w", err)
			return
		}
		*value = strings.TrimSpace(string(text))
		if *value == "" {
			p.add(field, "%s is empty", path)
		}
	}
}
