package bbb_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The documentation of the package is its manual, so nothing that users can see
// is without a comment. Fields and constants may share the comment of the group
// they stand in, up to an empty line.
func TestEverythingExportedIsDocumented(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{".", "bbbtest", "rediscache"} {
		pkg, fset := parsePackage(t, dir)
		assert.NotEmpty(t, pkg.Doc, "package %s", pkg.Name)
		missing := func(pos token.Pos, name string) {
			t.Helper()
			assert.Failf(t, "no comment", "%s: %s.%s", fset.Position(pos), pkg.Name, name)
		}
		values := func(list []*doc.Value) {
			for _, v := range list {
				for _, spec := range v.Decl.Specs {
					spec := spec.(*ast.ValueSpec)
					if v.Doc == "" && spec.Doc.Text() == "" && spec.Comment.Text() == "" && spec.Names[0].IsExported() {
						missing(spec.Pos(), spec.Names[0].Name)
					}
				}
			}
		}
		funcs := func(prefix string, list []*doc.Func) {
			for _, f := range list {
				if f.Doc == "" && ast.IsExported(f.Name) {
					missing(f.Decl.Pos(), prefix+f.Name)
				}
			}
		}
		values(pkg.Consts)
		values(pkg.Vars)
		funcs("", pkg.Funcs)
		seen := 0
		for _, typ := range pkg.Types {
			if !ast.IsExported(typ.Name) {
				continue
			}
			seen++
			if typ.Doc == "" {
				missing(typ.Decl.Pos(), typ.Name)
			}
			values(typ.Consts)
			values(typ.Vars)
			funcs("", typ.Funcs)
			funcs(typ.Name+".", typ.Methods)
			for _, spec := range typ.Decl.Specs {
				switch def := spec.(*ast.TypeSpec).Type.(type) {
				case *ast.StructType:
					undocumented(fset, def.Fields, func(f *ast.Field, name string) { missing(f.Pos(), typ.Name+"."+name) })
				case *ast.InterfaceType:
					undocumented(fset, def.Methods, func(f *ast.Field, name string) { missing(f.Pos(), typ.Name+"."+name) })
				}
			}
		}
		assert.Greater(t, seen, 1, "the types of %s were looked at", pkg.Name)
	}
}

// undocumented calls found for each exported field without a comment of its own
// and outside a block that has one: fields on lines that follow each other share
// what is said at any of them.
func undocumented(fset *token.FileSet, fields *ast.FieldList, found func(f *ast.Field, name string)) {
	line := func(pos token.Pos) int { return fset.Position(pos).Line }
	start := func(f *ast.Field) int {
		if f.Doc != nil {
			return line(f.Doc.Pos())
		}
		return line(f.Pos())
	}
	documented, last := false, -1
	var block []*ast.Field
	flush := func() {
		if !documented {
			for _, f := range block {
				for _, name := range f.Names {
					if name.IsExported() {
						found(f, name.Name)
					}
				}
			}
		}
		block, documented = nil, false
	}
	for _, f := range fields.List {
		if last >= 0 && start(f) > last+1 {
			flush()
		}
		block = append(block, f)
		documented = documented || strings.TrimSpace(f.Doc.Text()+f.Comment.Text()) != ""
		last = line(f.End())
	}
	flush()
}

func parsePackage(t *testing.T, dir string) (*doc.Package, *token.FileSet) {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		f, err := parser.ParseFile(fset, name, text, parser.ParseComments)
		require.NoError(t, err)
		files = append(files, f)
	}
	pkg, err := doc.NewFromFiles(fset, files, "github.com/bbbgroup/bbb/"+dir)
	require.NoError(t, err)
	return pkg, fset
}
