package xmlwire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is remembered of one tag with attributes must not change what the next one
// means: each odd one here is read alone, which is the long way, and among others.
func TestOddAttributes(t *testing.T) {
	t.Parallel()
	images := func(inside string) string {
		return "<response><playback><format><preview><images>" + inside + "</images></preview></format></playback></response>"
	}
	const usual = `<image alt="a" height="136" width="176">https://example.org/1</image>`
	odd := []string{
		`<image alt="" height="" width="">u</image>`,
		`<image alt="a &amp; b&#10;" height="1" width="2">u</image>`,
		"<image alt=\"a\r\n\tb\" height=\"1\" width=\"2\">u</image>",
		`<image alt="größer" height="1" width="2">u</image>`,
		`<image alt="a longer text than before >" height="1" width="2">u</image>`,
		`<image alt='a"b' height="1" width="2">u</image>`,
		`<image alt='a' height='1' width='2'>u</image>`,
		`<image alt = "a" height="1" width="2">u</image>`,
		`<image alt="a" height="1" width="2" >u</image>`,
		`<image alt="a" width="2" height="1">u</image>`,
		`<image alt="a" height="1" width="2" more="3">u</image>`,
		`<image alt="a" height="1">u</image>`,
		`<image>u</image>`,
		`<image alt="a" height="1" width="2"/>`,
		`<image alt="a" height="1" width="2"><b>x</b></image>`,
		`<x:image x:alt="a" x:height="1" x:width="2">u</x:image>`,
		`<image x:alt="a" height="1" width="2">u</image>`,
		`<other alt="a" height="1" width="2">u</other>`,
		`<image alt="a" height="x" width="2">u</image>`,
		`<image alt="a" alt="1" width="2">u</image>`,
		`<image alt="a"height="1" width="2">u</image>`,
		`<image alt="a<" height="1" width="2">u</image>`,
		`<image alt="a & b" height="1" width="2">u</image>`,
		"<image alt=\"a\x01\" height=\"1\" width=\"2\">u</image>",
		`<image alt="a height="1" width="2">u</image>`,
		`<image alt="a" height="1" width="2>u</image>`,
		`<image alt="a" height="1" width="2">u</imagE>`,
	}
	for _, o := range odd {
		alone, wrong := decode(images(o))
		got, err := decode(images(usual + usual + o + usual + o + usual))
		if wrong != nil {
			require.Error(t, err, o)
			assert.Equal(t, fmt.Sprintf("%T", wrong), fmt.Sprintf("%T", err), o)
			continue
		}
		require.NoError(t, err, o)
		one, err := decode(images(usual))
		require.NoError(t, err)
		u, v := one.Formats[0].Images, alone.Formats[0].Images
		var want []image
		for _, part := range [][]image{u, u, v, u, v, u} {
			want = append(want, part...)
		}
		assert.Equal(t, want, got.Formats[0].Images, o)
	}
	many := ""
	for i := range 300 {
		many += fmt.Sprintf(`<image%s height="%d">u</image>`, strings.Repeat(" ", 1+i), i)
	}
	got, err := decode(images(many))
	require.NoError(t, err)
	for i, image := range got.Formats[0].Images {
		assert.Equal(t, i, image.Height)
	}
}
