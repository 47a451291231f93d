package importer

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReader_Damage(t *testing.T) {
	first, second := row("536001", "1", "1", "2"), row("536002", "2", "1", "2")
	start := retailHeader + first + second
	for _, test := range []struct{ name, text, message string }{
		{"a quote in the middle of a field", start + "536002,2,12\" RULER,1,x,1,1,UK\n" + first, `shop.csv:4:12: bare " in non-quoted-field`},
		{"a quote that is not closed", start + "536002,2,\"RULER,1,x,1,1,UK\n" + first, `shop.csv:5:65: extraneous or missing " in quoted-field, in the row that starts in line 4`},
		{"text behind a quote", start + "536002,2,\"RULER\"x,1,x,1,1,UK\n" + first, `shop.csv:4:16: extraneous or missing " in quoted-field`},
		{"a column too few", start + "536002,2,RULER,1\n" + first, "shop.csv:4:16: the row has 4 columns, not 8"},
		{"a column too many", start + strings.TrimSpace(second) + ",x\n" + first, "shop.csv:4:65: the row has 9 columns, not 8"},
		{"a row that was cut short", start + "536002,2,RU", "shop.csv:4:10: the row has 3 columns, not 8"},
		{"a row that never ends", start + "536002,2,\"" + strings.Repeat("x", 4*maxRowBytes), "a row is longer than 1 MiB"},
	} {
		t.Run(test.name+" ends the file with its place, after what was before it", func(t *testing.T) {
			docs, err := readRetail(t, test.text)
			damage, ok := errors.AsType[*FileError](err)
			require.True(t, ok, "%v", err)
			require.Contains(t, damage.Error(), test.message)
			require.Equal(t, [][2]string{{"536001", ""}, {"536002", ReasonIncomplete}}, reasons(docs))
		})
	}
	t.Run("a truncated archive ends the file where its text ends", func(t *testing.T) {
		whole := compressed(t, start+"536003,12345,"+strings.Repeat("x", 100))
		docs, err := readRetail(t, whole[:len(whole)-12])
		damage, ok := errors.AsType[*FileError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, 4, damage.Line)
		require.ErrorContains(t, damage, "unexpected EOF")
		require.Equal(t, [][2]string{{"536001", ""}, {"536002", ReasonIncomplete}}, reasons(docs))
	})
	t.Run("an archive whose checksum is wrong is damage", func(t *testing.T) {
		text := []byte(compressed(t, start))
		text[len(text)-8] ^= 1
		docs, err := readRetail(t, string(text))
		require.ErrorContains(t, err, "shop.csv:4:1: gzip: invalid checksum")
		require.Len(t, docs, 2)
	})
	t.Run("after damage the reader stays there", func(t *testing.T) {
		r := newReader([]shop{{retail: memory("shop.csv", retailHeader+"x\n")}, {retail: memory("b.csv", start)}}, ReadOptions{})
		_, first := r.Next()
		_, second := r.Next()
		require.Error(t, first)
		require.Equal(t, first, second)
	})
}
