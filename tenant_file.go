package bbb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// TenantFile is a list of tenants in a JSON file. It is safe for concurrent use.
type TenantFile struct {
	path string
	now  atomic.Pointer[tenantIndex]
}

// OpenTenantFile reads tenants from a file: a JSON array of objects with the fields of [Tenant], spelled as
// its tags say.
//
//	[
//	  {"name": "acme", "namespace": "acme", "secrets": ["env:ACME_SECRET"],
//	   "hosts": ["acme.example.org"], "forced": {"create": {"record": "false"}},
//	   "limits": {"meetings": 20, "attendees": 500}, "labels": {"region": "eu"}},
//	  {"name": "school", "namespace": "school", "secrets": ["file:school.secret"]}
//	]
//
// A secret that begins with "env:" is the value of an environment variable, and one that begins
// with "file:" what stands in a file, without the white space around; a relative path begins at
// the directory of the list. Any other text is the secret itself: then keep the list from readers.
//
// A field that is not known is an error, so that a slip does not drop a limit. How tenants are found, and
// what else is wrong with them, is said at [StaticTenants]. Errors name the file, the tenant and the field,
// and never a secret.
func OpenTenantFile(path string) (*TenantFile, error) {
	f := &TenantFile{path: path}
	if err := f.Reload(); err != nil {
		return nil, err
	}
	return f, nil
}

// Find is the [TenantFunc]. It reads nothing.
func (f *TenantFile) Find(_ context.Context, q *TenantQuery) (*Tenant, error) {
	return f.now.Load().find(q), nil
}

// Reload reads the file again, and the environment variables and files that it names. When anything
// is wrong with them, the tenants stay as they were. Requests that are under way keep the tenant that they have.
func (f *TenantFile) Reload() error {
	x, err := readTenants(f.path)
	if err != nil {
		return fmt.Errorf("bbb: tenants of %s: %w", f.path, err)
	}
	f.now.Store(x)
	return nil
}

// String names the file.
func (f *TenantFile) String() string { return "tenants of " + f.path }

func readTenants(path string) (*tenantIndex, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the caller says which file
	if err != nil {
		return nil, pathless(err)
	}
	var list []json.RawMessage
	if err := decodeOne(text, &list); err != nil {
		return nil, err
	}
	tenants := make([]*Tenant, len(list))
	var problems []error
	for i, raw := range list {
		t := new(Tenant)
		if err := decodeOne(raw, t); err != nil {
			problems = append(problems, fmt.Errorf("tenant number %d%s: %w", i+1, called(raw), err))
			continue
		}
		if bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
			problems = append(problems, fmt.Errorf("tenant number %d: null is no tenant", i+1))
			continue
		}
		for n, secret := range t.Secrets {
			if t.Secrets[n], err = resolveSecret(secret, filepath.Dir(path)); err != nil {
				problems = append(problems, t.wrap(fmt.Errorf("secrets[%d] %w", n, err)))
			}
		}
		tenants[i] = t
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return newTenantIndex(tenants)
}

// called returns the name of a tenant that could not be read, for an error.
func called(raw []byte) string {
	var t struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(raw, &t) != nil || t.Name == "" {
		return ""
	}
	return " (" + quoted(t.Name) + ")"
}

// decodeOne decodes one JSON value, strictly. Its errors hold nothing of the text but the
// names of fields.
func decodeOne(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			return fmt.Errorf("something follows the JSON value at byte %d", d.InputOffset())
		}
		return nil
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := e.Field
		if field == "" {
			field = "the value"
		}
		return fmt.Errorf("%s must be a JSON %s", field, jsonKind(e))
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("no JSON from byte %d on", e.Offset)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the JSON ends too soon")
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: ")) // an unknown field
}

func jsonKind(e *json.UnmarshalTypeError) string {
	switch kind := e.Type.Kind().String(); kind {
	case "slice":
		return "array"
	case "map", "struct":
		return "object"
	case "int":
		return "whole number"
	default:
		return kind
	}
}

// resolveSecret returns the secret that a text in the file stands for.
func resolveSecret(text, dir string) (string, error) {
	if name, ok := strings.CutPrefix(text, "env:"); ok {
		secret := os.Getenv(name)
		if secret == "" {
			return "", fmt.Errorf("names the environment variable %s, which is empty or not set", quoted(name))
		}
		return secret, nil
	}
	path, ok := strings.CutPrefix(text, "file:")
	if !ok {
		return text, nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	secret, err := os.ReadFile(path) //nolint:gosec // whoever writes the list says which files
	if err != nil {
		return "", fmt.Errorf("names the file %s: %w", path, pathless(err))
	}
	return strings.TrimSpace(string(secret)), nil
}

// pathless returns the reason of a failure on a file that is named already.
func pathless(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}
