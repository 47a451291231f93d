package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

const hashBytes = sha256.Size

// Hash is a SHA-256, written in hexadecimal.
type Hash []byte

// String writes the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h) }

// MarshalText writes the hash in hexadecimal.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// ParseHash reads a hash in hexadecimal.
func ParseHash(text string) (Hash, error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != hashBytes {
		return nil, fmt.Errorf("%q is no SHA-256 in hexadecimal", text)
	}
	return raw, nil
}

// sum is the SHA-256 of the record: the hash of the record before, its number and its microseconds
// since 1970, big-endian, and each text behind its length in four bytes. It never changes.
func (r Record) sum() Hash {
	var b bytes.Buffer
	b.Write(r.Previous)
	b.Write(binary.BigEndian.AppendUint64(nil, uint64(r.Number)))           //nolint:gosec // bits
	b.Write(binary.BigEndian.AppendUint64(nil, uint64(r.Time.UnixMicro()))) //nolint:gosec // bits
	for _, text := range []string{r.Actor, r.Action, r.Object, string(r.Outcome), r.Detail} {
		b.Write(binary.BigEndian.AppendUint32(nil, uint32(len(text)))) //nolint:gosec // texts are short
		b.WriteString(text)
	}
	sum := sha256.Sum256(b.Bytes())
	return sum[:]
}
