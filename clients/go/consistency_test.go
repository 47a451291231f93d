package client

import (
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// tokenOf is a token as servers make them.
func tokenOf(shard uint16, system, log uint64) string {
	raw := make([]byte, sealEnd, tokenEnd)
	raw = binary.BigEndian.AppendUint16(raw, shard)
	raw = binary.BigEndian.AppendUint64(raw, system)
	raw = binary.BigEndian.AppendUint64(raw, log)
	return base64.RawURLEncoding.EncodeToString(raw)
}

func TestWritten(t *testing.T) {
	keep := func(w *written, token string) { w.keep(http.Header{consistencyToken: {token}}) }
	demands := func(w *written) []string {
		header := http.Header{}
		w.demand(header)
		said, ok := strings.CutPrefix(header.Get(consistency), "at-least-as-fresh=")
		require.True(t, ok)
		return strings.Split(said, ",")
	}
	t.Run("who wrote nothing takes what is at hand", func(t *testing.T) {
		w := &written{tokens: map[string]string{}}
		for _, token := range []string{"", "of another server", "AAAA"} {
			keep(w, token)
		}
		header := http.Header{}
		w.demand(header)
		require.Equal(t, "minimal-latency", header.Get(consistency))
	})
	t.Run("the last of each shard is demanded, in whatever order answers come", func(t *testing.T) {
		w := &written{tokens: map[string]string{}}
		keep(w, tokenOf(0, 7, 100))
		keep(w, tokenOf(1, 7, 5))
		keep(w, tokenOf(0, 7, 300))
		keep(w, tokenOf(0, 7, 200))
		require.ElementsMatch(t, []string{tokenOf(0, 7, 300), tokenOf(1, 7, 5)}, demands(w))
	})
	t.Run("another log takes the place of the one before", func(t *testing.T) {
		w := &written{tokens: map[string]string{}}
		keep(w, tokenOf(0, 7, 300))
		keep(w, tokenOf(0, 8, 10))
		require.Equal(t, []string{tokenOf(0, 8, 10)}, demands(w))
	})
	t.Run("what a call demands itself stays", func(t *testing.T) {
		w := &written{tokens: map[string]string{}}
		keep(w, tokenOf(0, 7, 300))
		header := http.Header{consistency: {"fully-consistent"}}
		w.demand(header)
		require.Equal(t, "fully-consistent", header.Get(consistency))
	})
}
