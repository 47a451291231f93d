package report

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strconv"
	"strings"
)

// digest is the SHA-256 of one line "number|customer|lines|units|amount\n" a document, sorted by
// number as bytes. It is the same for the same documents, in whatever order they are added.
type digest struct {
	lines []digestLine
}

type digestLine struct {
	text   string
	number int // length of the number
}

func (d *digest) add(number, customer string, lines int, units, amountMinor int64) {
	text := make([]byte, 0, 64)
	text = append(append(text, number...), '|')
	text = append(append(text, customer...), '|')
	text = append(strconv.AppendInt(text, int64(lines), 10), '|')
	text = append(strconv.AppendInt(text, units, 10), '|')
	text = append(strconv.AppendInt(text, amountMinor, 10), '\n')
	d.lines = append(d.lines, digestLine{text: string(text), number: len(number)})
}

// sum gives the digest in hexadecimal. Documents with the same number are sorted by the rest.
func (d *digest) sum() string {
	slices.SortFunc(d.lines, func(x, y digestLine) int {
		if order := strings.Compare(x.text[:x.number], y.text[:y.number]); order != 0 {
			return order
		}
		return strings.Compare(x.text, y.text)
	})
	hash := sha256.New()
	for _, line := range d.lines {
		_, _ = io.WriteString(hash, line.text)
	}
	return hex.EncodeToString(hash.Sum(nil))
}
